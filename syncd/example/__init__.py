"""An invented association's members as its Excel writes them, and the configuration that syncs them."""
