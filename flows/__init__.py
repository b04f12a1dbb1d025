"""The flows: one file a flow, and a folder for what it is made of. The only place that knows the order of the steps."""

import logging
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

# Read by Prefect when it is imported, hence here. A run without a server starts one of its own: that takes up to half a
# minute, where 20 seconds are allowed by default, and when it is stopped at the run's end it would print tracebacks of
# what it was just doing. And a university's runs are nobody else's business.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# Where a home is needed and cannot be made, the command itself says so, in one line.
warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")

# Prefect also reads a `.env` of the current folder, three times, and each time complains of the lines that it cannot
# read. `flows.setup` names them, once.
logging.getLogger("dotenv").setLevel(logging.ERROR)

# And it would end in a traceback over these.
try:
    urlsplit(os.environ.get("PREFECT_API_URL", ""))
    with suppress(OSError):
        Path(".env").read_text("utf-8")
except ValueError as error:
    unreadable = ".env is not a text in UTF-8: save it again as such"
    no_address = "PREFECT_API_URL is not the address of a server: write it as http://127.0.0.1:4200/api"
    print(unreadable if isinstance(error, UnicodeDecodeError) else no_address, file=sys.stderr)
    sys.exit(2)
