"""Load a journal into a database: until nothing is left, or until killed."""

import sys
import time
from pathlib import Path

from sekisho.control.services.ledger import Ledger
from sekisho.control.store.engine import Store
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.metering import segment

url, directory = sys.argv[1], Path(sys.argv[2])
ledger = Ledger(directory, Store(url), StoreThread("ledger"), Clock())
while segment.find(directory) or "--for-ever" in sys.argv:
    ledger.load()
    time.sleep(0.001)
