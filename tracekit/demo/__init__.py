"""An example LLM app and the local server it talks to: `tracekit demo`."""
