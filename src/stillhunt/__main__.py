"""`python -m stillhunt` is `stillhunt`."""

import sys

from stillhunt.cli import main

sys.exit(main())
