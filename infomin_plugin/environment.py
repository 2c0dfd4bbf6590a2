"""Check of the installed packages, before anything expensive is started.

Reads package metadata only, so that it works where an import would fail. ``python -m
infomin_plugin.environment`` prints what it finds.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from packaging.specifiers import SpecifierSet

# package -> versions that work together; mmselfsup 1.0 and mmdet 3 meet on this line only
REQUIRED = {
    'torch': '>=2.0,<2.1',
    'torchvision': '>=0.15,<0.16',
    'mmcv': '>=2.0.1,<2.1',
    'mmengine': '>=0.10.7,<0.11',
    'mmdet': '>=3.3,<3.4',
    'mmcls': '==1.0.0rc6',
    'mmselfsup': '==1.0.0',
    'numpy': '>=1.24,<2',
    'numba': '>=0.59',
    'opencv-python': '<4.12',
    'pycocotools': '>=2.0.7',
    'simplejpeg': '>=1.7',
}
REASONS = {
    'torch': 'mmcv 2.0.1 does not compile on later releases',
    'mmcv': 'mmselfsup 1.0.0 and mmcls 1.0.0rc6 refuse mmcv >= 2.1',
    'mmselfsup': 'the only release on MMEngine',
    'numpy': 'this line of OpenMMLab is compiled for numpy 1',
    'opencv-python': 'later releases need numpy 2',
}
# package -> why it must not be there
REFUSED = {
    'mmpretrain': 'it registers the same names as mmselfsup, and importing mmdet fails',
}


def problems() -> list[str]:
    """Everything that is wrong with this environment, a sentence each; empty if nothing is."""
    found = []
    for package, wanted in REQUIRED.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            if package == 'opencv-python' and find_spec('cv2'):
                continue  # a headless or contrib build, or one of the system's
            found.append(f'{package} is not installed, {package}{wanted} is needed')
            continue
        # '2.0.1+cu118' is 2.0.1 here
        if not SpecifierSet(wanted, prereleases=True).contains(installed.split('+')[0]):
            reason = f' ({REASONS[package]})' if package in REASONS else ''
            found.append(f'{package} {installed} is installed, {package}{wanted} is needed{reason}')
    for package, reason in REFUSED.items():
        try:
            found.append(f'{package} {version(package)} is installed and must not be: {reason}; '
                         f'pip uninstall {package}')
        except PackageNotFoundError:
            pass
    if not any(problem.startswith('mmcv ') for problem in found) and not find_spec('mmcv._ext'):
        found.append(
            f'mmcv {version("mmcv")} is installed without its compiled ops: install torch first, '
            'then mmcv with --no-build-isolation (make install does), or a wheel through mim')
    return found


def check_environment() -> None:
    """Refuse an environment that cannot work.

    Raises:
        RuntimeError: Names every wrong package, the version found and the one needed.
    """
    found = problems()
    if found:
        raise RuntimeError('this environment cannot run infomin_plugin:\n  ' + '\n  '.join(found)
                           + '\nSee "Installation" in README.md.')


if __name__ == '__main__':
    try:
        check_environment()
    except RuntimeError as error:
        sys.exit(str(error))
    print('environment fits: ' + ', '.join(f'{package} {version(package)}' for package in REQUIRED
                                           if package != 'opencv-python' or find_spec('cv2')))
