/* Header values in, yes or no out: whose requests are answered.
 *
 * Pure rules over text, each a row in tests/tables/http_policy.tsv. NULL is a
 * header that was not sent. */
#ifndef SERVICES_GATEWAYD_HTTP_POLICY_H
#define SERVICES_GATEWAYD_HTTP_POLICY_H

#include "core/base/slice.h"

#include <stdbool.h>

/* A Host that may be asked for: localhost or an address with any port, or a
 * name in the comma-separated list (without port; "*" is every name). A page
 * of another name that points its DNS here is refused by this; an address
 * cannot be pointed elsewhere (but 0.0.0.0 and [::] name nobody). No Host
 * (HTTP/1.0) is fine: no browser sends that. */
bool http_policy_host(const char *host, const char *allowed);
/* What a browser says of the page behind a request. */
struct http_policy_page {
    const char *host; /* that was asked */
    const char *origin, *referer, *fetch_site;
};
/* A page of another origin asks, or one that hides where it is from. An
 * Origin must be http:// or https:// before the very Host; a Sec-Fetch-Site
 * must be same-origin, or none (the user's own doing); where an old browser
 * sends neither, a Referer must lie under the Host. Nothing of these is no
 * page. */
bool http_policy_is_foreign(const struct http_policy_page *page);
/* A Content-Type that is JSON. None counts as JSON for a program, which may
 * forget it; not for a page, which leaves it out to need no preflight. */
bool http_policy_is_json(const char *content_type, bool is_page);
/* What stands behind "Bearer", without blanks, as a slice of the header; it may
 * be empty. False for no header and for another scheme. */
bool http_policy_bearer(const char *authorization, struct slice *ret_bearer);
/* A list such as Connection's names this word, case ignored. */
bool http_policy_lists(const char *list, const char *word);
/* If-None-Match names the (quoted, strong) ETag, or is "*". */
bool http_policy_etag_matches(const char *if_none_match, const char *etag);
/* 1 to 128 visible ASCII bytes. */
bool http_policy_is_idempotency_key(const char *key);

#endif
