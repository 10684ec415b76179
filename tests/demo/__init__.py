"""`make demo`: the operator at work on a real control plane and a fake Cloudflare, watched live and proven."""
