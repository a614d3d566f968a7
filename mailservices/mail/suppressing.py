"""When an address is suppressed: words that the workers and the dashboard must agree on."""

from datetime import timedelta
from typing import Final

#: How often hosts must have said that nobody is there, and for how long that counts.
HITS: Final = 3
HELD_FOR: Final = timedelta(days=14)
