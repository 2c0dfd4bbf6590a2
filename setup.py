"""Package the plugin with its configs and tools, as OpenMMLab packages do (``.mim``)."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PACKAGE = 'infomin_plugin'
# what `mim` and mmengine.utils.get_installed_path look for in <package>/.mim
SHIPPED = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Put SHIPPED beside the modules: copied into a wheel, linked when editable."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            mim = ROOT / PACKAGE / '.mim'
            mim.mkdir(exist_ok=True)
            for name in SHIPPED:
                link = mim / name
                if not link.is_symlink():
                    link.symlink_to(
                        Path('..', '..', name), target_is_directory=(ROOT / name).is_dir())
        else:
            mim = Path(self.build_lib) / PACKAGE / '.mim'
            for name in SHIPPED:
                if (ROOT / name).is_dir():
                    shutil.copytree(
                        ROOT / name,
                        mim / name,
                        dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns('__pycache__'))
                else:
                    shutil.copy(ROOT / name, mim)


def requirements(name: str) -> list[str]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def package_version() -> str:
    scope: dict = {}
    exec((ROOT / PACKAGE / 'version.py').read_text(), scope)
    return scope['__version__']


setup(
    name=PACKAGE,
    version=package_version(),
    description='InfoMin contrastive learning (Tian et al., NeurIPS 2020) for MMEngine',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    python_requires='>=3.10',
    install_requires=['torch>=2.0,<2.1', 'torchvision>=0.15,<0.16', *requirements('runtime')],
    extras_require={
        # mmcv must be compiled against the torch that is there, so `mim` installs these
        'mim': requirements('mminstall'),
        'tests': requirements('tests'),
    },
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False)
