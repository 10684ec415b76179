"""What Cloudflare shows: few lists serve all resources, and wake up those that see a change."""
