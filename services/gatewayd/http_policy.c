/* Rules about header values.
 *
 * Names compare without case, as DNS does. Nothing is allocated. */
#include "services/gatewayd/http_policy.h"

#include "core/base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define IDEMPOTENCY_KEY_MAX 128 /* bytes */

/* The name of "name:port", "[v6]:port" or a bare one; empty when it is none of
 * these. */
static struct slice
without_port(struct slice host)
{
    bool is_v6 = slice_starts(host, SLICE("["));
    ptrdiff_t bracket = slice_find(host, SLICE("]"));
    size_t name_len = is_v6 && bracket > 0 ? (size_t)bracket + 1 : 0;
    struct slice port;

    if (is_v6 != (bracket >= 0))
        return slice_make(NULL, 0);
    while (name_len < host.len && host.ptr[name_len] != ':')
        name_len++;
    port = slice_cut(host, name_len + 1, host.len);
    for (size_t i = 0; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return slice_make(NULL, 0);
    return slice_cut(host, 0, name_len);
}

/* An address other than the unspecified one, as browsers write it. */
static bool
is_address(struct slice name)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v6 = slice_starts(name, SLICE("["));

    if (is_v6)
        name = slice_cut(name, 1, name.len - 1);
    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (is_v6)
        return inet_pton(AF_INET6, text, &v6) == 1 &&
               !IN6_IS_ADDR_UNSPECIFIED(&v6);
    return inet_pton(AF_INET, text, &v4) == 1 && v4.s_addr != INADDR_ANY;
}

bool
http_policy_host(const char *host, const char *allowed)
{
    struct slice name, rest, part;

    if (!host)
        return true;
    name = without_port(slice_of(host));
    if (name.len == 0)
        return false;
    if (slice_eq_fold(name, SLICE("localhost")) || is_address(name))
        return true;
    for (rest = slice_of(allowed); slice_split(&rest, ',', &part);) {
        part = slice_trim(part);
        if (part.len > 0 &&
            (slice_eq(part, SLICE("*")) || slice_eq_fold(name, part)))
            return true;
    }
    return false;
}

/* Take "http://" or "https://" off. */
static bool
without_scheme(struct slice *url)
{
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!slice_starts(*url, schemes[i]))
            continue;
        *url = slice_cut(*url, schemes[i].len, url->len);
        return true;
    }
    return false;
}

/* The authority of a URL is this host, to the letter but case. */
static bool
is_of_host(const char *url, const char *host)
{
    struct slice rest = slice_of(url);
    size_t len = 0;

    if (!host || !without_scheme(&rest))
        return false;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?' &&
           rest.ptr[len] != '#')
        len++;
    return slice_eq_fold(slice_cut(rest, 0, len), slice_of(host));
}

/* An Origin has no path. */
static bool
is_same_origin(const char *origin, const char *host)
{
    struct slice rest = slice_of(origin);

    return host && without_scheme(&rest) && slice_eq_fold(rest, slice_of(host));
}

bool
http_policy_is_foreign(const struct http_policy_page *page)
{
    struct slice site = slice_of(page->fetch_site);

    if (page->origin && !is_same_origin(page->origin, page->host))
        return true;
    if (page->fetch_site)
        return !slice_eq(site, SLICE("same-origin")) &&
               !slice_eq(site, SLICE("none"));
    return !page->origin && page->referer &&
           !is_of_host(page->referer, page->host);
}

bool
http_policy_is_json(const char *content_type, bool is_page)
{
    struct slice rest = slice_of(content_type), type;

    if (!content_type)
        return !is_page;
    if (!slice_split(&rest, ';', &type))
        return false;
    return slice_eq_fold(slice_trim(type), SLICE("application/json"));
}

bool
http_policy_bearer(const char *authorization, struct slice *ret_bearer)
{
    struct slice text = slice_trim(slice_of(authorization));

    if (!slice_eq_fold(slice_cut(text, 0, 6), SLICE("Bearer")))
        return false;
    text = slice_cut(text, 6, text.len);
    if (text.len > 0 && text.ptr[0] != ' ' && text.ptr[0] != '\t')
        return false; /* "Bearerx" is another scheme */
    *ret_bearer = slice_trim(text);
    return true;
}

bool
http_policy_lists(const char *list, const char *word)
{
    struct slice rest = slice_of(list), part;

    if (!list)
        return false;
    while (slice_split(&rest, ',', &part))
        if (slice_eq_fold(slice_trim(part), slice_of(word)))
            return true;
    return false;
}

bool
http_policy_etag_matches(const char *if_none_match, const char *etag)
{
    struct slice rest = slice_of(if_none_match), part;

    if (!if_none_match)
        return false;
    while (slice_split(&rest, ',', &part)) {
        part = slice_trim(part);
        /* A proxy that compressed the body makes the tag weak. */
        if (slice_starts(part, SLICE("W/")))
            part = slice_cut(part, 2, part.len);
        if (slice_eq(part, SLICE("*")) || slice_eq(part, slice_of(etag)))
            return true;
    }
    return false;
}

bool
http_policy_is_idempotency_key(const char *key)
{
    struct slice text = slice_of(key);

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    return text.len > 0 && text.len <= IDEMPOTENCY_KEY_MAX;
}
