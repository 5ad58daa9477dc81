/* Header values in, yes or no out: whose requests are answered.
 *
 * Pure rules over text, each a row in tests/tables/http_policy.tsv. NULL is a
 * header that was not sent. */
#ifndef SERVICES_GATEWAYD_HTTP_POLICY_H
#define SERVICES_GATEWAYD_HTTP_POLICY_H

#include <stdbool.h>

/* A Host that may be asked for: localhost, 127.0.0.1 or [::1] with any port,
 * or a name in the comma-separated list (without port; "*" is every name). A
 * page of another name that points its DNS here is refused by this. No Host
 * (HTTP/1.0) is fine: no browser sends that. */
bool http_policy_host(const char *host, const char *allowed);
/* An Origin that is not this server's: neither http:// nor https:// before
 * the very Host. No Origin is no page. */
bool http_policy_is_foreign(const char *origin, const char *host);
/* A Content-Type that is JSON; none counts as JSON. */
bool http_policy_is_json(const char *content_type);
/* "Bearer KEY" with this very key, compared in constant time. */
bool http_policy_bearer(const char *authorization, const char *key);
/* If-None-Match names the (quoted, strong) ETag, or is "*". */
bool http_policy_etag_matches(const char *if_none_match, const char *etag);
/* 1 to 128 visible ASCII bytes. */
bool http_policy_is_idempotency_key(const char *key);

#endif
