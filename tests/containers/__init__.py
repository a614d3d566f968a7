"""The appliance in containers, proved with a real engine: `make compose-test`. Standard library only.

On a machine that has no engine the engine comes from Debian's packages; where no image registry can be reached,
stand-ins for the base images are built from Debian's packages under the same tags.
"""
