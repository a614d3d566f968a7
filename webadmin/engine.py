"""What the web needs of the engine itself. The only file here that may import its rooms."""

from django.conf import settings

from mailservices.net.limiter import Block, Blocks

__all__ = ["Block", "blocks", "lift"]


def blocks() -> list[Block]:
    """Who is turned away just now. Raises RedisError."""
    engine = Blocks(settings.CONFIG.redis_url)
    try:
        return engine.all()
    finally:
        engine.close()


def lift(block: Block) -> None:
    """Raises RedisError."""
    engine = Blocks(settings.CONFIG.redis_url)
    try:
        engine.lift(block)
    finally:
        engine.close()
