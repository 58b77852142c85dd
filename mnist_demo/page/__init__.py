"""The web page: three tabs that wire the core to Gradio. Nothing in the core imports this."""
