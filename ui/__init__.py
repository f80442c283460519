"""The pages: from plain data to one HTML file."""
