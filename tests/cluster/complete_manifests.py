"""A manifest of each kind with every field set: what the schema must accept and give back."""

from typing import Any

from aisearch_operator.resources.group import API_VERSION, INSTANCE_KIND, SYNC_JOB_KIND

Manifest = dict[str, Any]

COMPLETE_SETTINGS: Manifest = {
    "type": "web-crawler",
    "source": "https://docs.example.com",
    "sourceParams": {
        "prefix": "guides/",
        "includeItems": ["/guides/**"],
        "excludeItems": ["/guides/old/*"],
        "r2Jurisdiction": "eu",
        "webCrawler": {
            "parseType": "sitemap",
            "discoverOptions": {
                "depth": 5,
                "limit": 100_000,
                "maxAge": 604_800,
                "includeSubdomains": True,
                "includeExternalLinks": False,
                "source": "all",
            },
            "parseOptions": {
                "includeHeaders": {"X-Crawler": "ai-search", "accept-language": "en;q=0.9"},
                "includeImages": True,
                "useBrowserRendering": False,
                "specificSitemaps": ["https://docs.example.com/sitemap.xml"],
                "contentSelector": [{"path": "/guides/**", "selector": "main > article"}],
            },
        },
    },
    "syncInterval": 900,
    "paused": False,
    "tokenId": "0b9f4c1e-6f1d-4a55-9b62-64f2a1c8d001",
    "embeddingModel": "@cf/baai/bge-m3",
    "chunk": True,
    "chunkSize": 64,
    "chunkOverlap": 30,
    "indexMethod": {"vector": False, "keyword": True},
    "hybridSearchEnabled": True,
    "indexingOptions": {"keywordTokenizer": "trigram", "useOcr": True},
    "customMetadata": [
        {"fieldName": "team", "dataType": "text"},
        {"fieldName": "released", "dataType": "datetime"},
    ],
    "summarization": True,
    "summarizationModel": "",
    "systemPromptIndexSummarization": "Be brief.",
    "maxNumResults": 50,
    "scoreThreshold": 0.25,
    "fusionMethod": "max",
    "retrievalOptions": {
        "keywordMatchMode": "or",
        "boostBy": [{"field": "timestamp", "direction": "desc"}, {"field": "team"}],
    },
    "reranking": True,
    "rerankingModel": "@cf/baai/bge-reranker-base",
    "rewriteQuery": True,
    "rewriteModel": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "systemPromptRewriteQuery": "Correct typing errors.",
    "aiSearchModel": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "systemPromptAiSearch": "Answer in English.",
    "aiGatewayId": "search",
    "cache": True,
    "cacheThreshold": "super_strict_match",
    "cacheTtl": 518_400,
    "publicEndpointParams": {
        "enabled": True,
        "authorizedHosts": ["www.example.com"],
        "customDomains": ["search.example.com"],
        "defaultDomainEnabled": False,
        "searchEndpoint": {"disabled": False},
        "chatCompletionsEndpoint": {"disabled": True},
        "mcp": {"disabled": False, "description": "Finds pages of the documentation"},
        "rateLimit": {"periodMs": 60_000, "requests": 1, "technique": "sliding"},
    },
    "metadata": {
        "createdFromAisearchWizard": False,
        "workerDomain": "search.example.workers.dev",
        "searchForAgents": {
            "zoneId": "0123456789abcdef0123456789abcdef",
            "zoneName": "example.com",
            "hostname": "www.example.com",
        },
    },
}


def complete_instance(name: str = "complete") -> Manifest:
    """An AISearchInstance with every field of its spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": INSTANCE_KIND,
        "metadata": {"name": name},
        "spec": {
            **COMPLETE_SETTINGS,
            "instanceId": "docs_2-search",
            "searchNamespace": "default",
            "accountId": "023e105f4ecef8ad9ca31a8372d0c353",
            "credentialsRef": {"name": "cloudflare.docs"},
            "managementPolicy": "Observe",
            "deletionPolicy": "Retain",
            "adoptionPolicy": "IfExists",
            "driftPolicy": "Report",
            "writeConnectionConfigMapToRef": {"name": "docs-connection"},
            "suspend": True,
        },
    }


def complete_sync_job(name: str = "complete") -> Manifest:
    """An AISearchSyncJob for an instance that no resource manages, with every field of its spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": SYNC_JOB_KIND,
        "metadata": {"name": name},
        "spec": {
            "instance": {
                "id": "docs",
                "searchNamespace": "team-a",
                "accountId": "023e105f4ecef8ad9ca31a8372d0c353",
                "credentialsRef": {"name": "cloudflare"},
            },
            "description": "d" * 180,
            "cancel": True,
            "suspend": True,
            "backoffLimit": 1000,
            "activeDeadlineSeconds": 31_536_000,
            "concurrencyPolicy": "Replace",
            "completionPolicy": "Indexed",
            "ttlSecondsAfterFinished": 0,
            "runId": "r" * 64,
            "deletionPolicy": "Orphan",
        },
    }
