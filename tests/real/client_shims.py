"""What Python 3.10 and later took away and the 2020 clients still reach for.

Copied into the clients' environment, where a ``.pth`` file imports it at every start of that interpreter: the
clients themselves stay as PyPI ships them. ``attrdict`` takes the abstract base classes from ``collections``.
(``pkg_resources`` and ``distutils`` come from the pinned setuptools.)
"""

import collections
import collections.abc

for _name in collections.abc.__all__:
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))
