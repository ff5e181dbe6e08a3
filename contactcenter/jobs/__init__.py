"""What runs without anybody asking: sequencer, router, sender, intake."""
