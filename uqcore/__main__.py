import sys

from uqcore.cli.main import main

sys.exit(main())
