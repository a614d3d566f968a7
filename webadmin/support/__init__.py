"""For whoever looks after the appliance: every setting, how it fares, and what support is sent."""
