"""InfoMin contrastive learning (Tian et al., NeurIPS 2020) for the MMEngine ecosystem."""

from .version import __version__

__all__ = ['__version__']
