"""Bodies as they are stored: whatever goes in comes out."""

import os
from concurrent.futures import ThreadPoolExecutor

from mailservices.store import bodies


def test_threads_that_pack_at_once_do_not_mix_their_frames() -> None:
    """zstandard releases the lock of the interpreter, and its compressor is no two threads' at once."""
    texts = [os.urandom(1000) * 300 + bytes([number]) for number in range(16)]

    def there_and_back(text: bytes) -> bool:
        return all(bodies.unpack(*bodies.pack(text)) == text for _ in range(20))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, texts))
