"""The HTTP library under the installed `openai`: httpx2 since version 3, httpx before."""

try:
    import httpx2 as httpx
except ImportError:
    import httpx

__all__ = ["httpx"]
