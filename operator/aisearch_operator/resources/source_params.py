"""``spec.sourceParams``: which objects of a bucket, or which pages of a website, are indexed."""

from typing import Annotated, ClassVar

from pydantic import Field

from aisearch_operator.resources.base import ResourceModel, Rule
from aisearch_operator.resources.names import Keyword

__all__ = ["ContentSelector", "DiscoverOptions", "ParseOptions", "SourceParams", "WebCrawler"]

PathPattern = Annotated[str, Field(min_length=1, max_length=1024)]
"""The length is ours: Cloudflare documents none."""

PathPatterns = Annotated[tuple[PathPattern, ...], Field(max_length=100)]
"""Most accounts may have 10; Cloudflare raises that on request, so the server decides (facts 4.1)."""

Urls = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=2048)], ...], Field(max_length=100)]


class DiscoverOptions(ResourceModel):
    """How far a discovering crawl goes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.includeExternalLinks) || !self.includeExternalLinks",
            "includeExternalLinks must stay false, as Cloudflare crawls only the zone that you own: remove the field",
            "includeExternalLinks",
        ),
    )

    depth: Annotated[int, Field(ge=0)] | None = None
    """How many links away from the seed URL a page may be."""

    limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many pages are crawled at most: 1 to 100000."""

    max_age: Annotated[int, Field(ge=0, le=604_800)] | None = None
    """How old crawled content may be, in seconds: 0 to 604800 (one week)."""

    include_subdomains: bool | None = None
    """Whether links to subdomains of the source's host are followed."""

    include_external_links: bool | None = None
    """Whether links to other domains are followed. Cloudflare accepts only false: a crawl stays in the
    zone that you own."""

    source: Keyword | None = None
    """Where URLs are looked for: `sitemaps` reads sitemaps, `links` follows links, `all` does both."""


class ContentSelector(ResourceModel):
    """The part of some pages that is indexed."""

    path: PathPattern
    """Glob pattern for the path of the page's URL: `*` stays within a segment, `**` crosses segments."""

    selector: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^;`${}\\]+$")]
    """CSS selector of the one element to index. When it matches several elements it is ignored and the
    whole page is indexed. The characters ; ` $ { } and backslash are not allowed."""


Headers = Annotated[dict[str, Annotated[str, Field(max_length=2048, pattern="^[\\t -~]*$")]], Field(max_length=5)]
ContentSelectors = Annotated[tuple[ContentSelector, ...], Field(min_length=1, max_length=100)]


class ParseOptions(ResourceModel):
    """How pages are fetched and read."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.includeHeaders) || self.includeHeaders.all(name, name.matches('^[!#-\\'*+.^_`|~0-9A-Za-z-]+$'))",
            "includeHeaders has a name that is not an HTTP header name: use letters, digits and hyphens, "
            "without blanks or colons",
            "includeHeaders",
        ),
    )

    include_headers: Headers | None = Field(default=None, repr=False)
    """HTTP headers that every request of the crawler carries, by name: at most 5, values in printable
    ASCII. Who may read this resource may read them: put no password here."""

    include_images: bool | None = None
    """Whether images of the pages are indexed too. Unset means false."""

    use_browser_rendering: bool | None = None
    """Whether a browser renders each page, so that content made by JavaScript is found. Unset means that
    Cloudflare decides."""

    specific_sitemaps: Urls | None = None
    """URLs of the sitemaps to read instead of those that robots.txt names. Only with parseType
    `sitemap`."""

    content_selector: ContentSelectors | None = None
    """The part of a page that is indexed, by path; the first match wins. At least one entry: remove
    the field to index whole pages."""


class WebCrawler(ResourceModel):
    """How a website is crawled."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.parseOptions) || !has(self.parseOptions.specificSitemaps)"
            " || !has(self.parseType) || self.parseType == 'sitemap'",
            "parseOptions.specificSitemaps works only with parseType sitemap: remove one of the two",
            "parseOptions.specificSitemaps",
        ),
    )

    parse_type: Keyword | None = None
    """How pages are found: `sitemap` reads the site's sitemaps, `discover` follows links and needs the
    source to be a verified zone of this account. Unset means `sitemap`."""

    discover_options: DiscoverOptions | None = None
    """How far the crawl goes with parseType `discover`; ignored with `sitemap`."""

    parse_options: ParseOptions | None = None
    """How pages are fetched and read."""


class SourceParams(ResourceModel):
    """Which part of the data source is indexed."""

    prefix: Annotated[str, Field(max_length=1024)] | None = None
    """R2: only objects whose key starts with this are indexed. Unset means the whole bucket."""

    include_items: PathPatterns | None = None
    """Only paths that match one of these micromatch patterns are indexed: `*` stays within a segment,
    `**` crosses segments, as in `/blog/**`. Most accounts may have 10. Unset means all paths."""

    exclude_items: PathPatterns | None = None
    """Paths that match one of these micromatch patterns are not indexed, even if includeItems matches
    them. Most accounts may have 10."""

    r2_jurisdiction: Keyword | None = None
    """R2: jurisdiction of the bucket, for example `eu` or `fedramp`. Unset means `default`."""

    web_crawler: WebCrawler | None = None
    """How the website is crawled, for a source of type `web-crawler`."""
