"""The passes: observe, decide, act, report. All decisions are in `domain`, all requests in `cloudflare`."""
