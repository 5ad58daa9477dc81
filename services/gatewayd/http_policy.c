/* Rules about header values.
 *
 * Names compare without case, as DNS does. Nothing is allocated. */
#include "services/gatewayd/http_policy.h"

#include "core/base/slice.h"

#define IDEMPOTENCY_KEY_MAX 128 /* bytes */

/* The name of "name:port", "[v6]:port" or a bare one; empty when the port is
 * no port. */
static struct slice
without_port(struct slice host)
{
    ptrdiff_t bracket = slice_find(host, SLICE("]"));
    size_t name_len = bracket < 0 ? 0 : (size_t)bracket + 1;
    struct slice port;

    while (name_len < host.len && host.ptr[name_len] != ':')
        name_len++;
    port = slice_cut(host, name_len + 1, host.len);
    for (size_t i = 0; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return slice_make(NULL, 0);
    return slice_cut(host, 0, name_len);
}

bool
http_policy_host(const char *host, const char *allowed)
{
    static const char always[] = "localhost,127.0.0.1,[::1]";
    struct slice name, rest, part;

    if (!host)
        return true;
    name = without_port(slice_of(host));
    if (name.len == 0)
        return false;
    for (rest = slice_of(always); slice_split(&rest, ',', &part);)
        if (slice_eq_fold(name, part))
            return true;
    for (rest = slice_of(allowed); slice_split(&rest, ',', &part);) {
        part = slice_trim(part);
        if (part.len > 0 &&
            (slice_eq(part, SLICE("*")) || slice_eq_fold(name, part)))
            return true;
    }
    return false;
}

bool
http_policy_is_foreign(const char *origin, const char *host)
{
    struct slice text = slice_of(origin);

    if (!origin)
        return false;
    if (slice_starts(text, SLICE("http://")))
        text = slice_cut(text, 7, text.len);
    else if (slice_starts(text, SLICE("https://")))
        text = slice_cut(text, 8, text.len);
    else
        return true;
    return !host || !slice_eq_fold(text, slice_of(host));
}

bool
http_policy_is_json(const char *content_type)
{
    struct slice rest = slice_of(content_type), type;

    if (!content_type)
        return true;
    if (!slice_split(&rest, ';', &type))
        return false;
    return slice_eq_fold(slice_trim(type), SLICE("application/json"));
}

bool
http_policy_bearer(const char *authorization, const char *key)
{
    struct slice text = slice_of(authorization), wanted = slice_of(key);
    unsigned differ = 0;

    if (!slice_eq_fold(slice_cut(text, 0, 7), SLICE("Bearer ")))
        return false;
    text = slice_trim(slice_cut(text, 7, text.len));
    /* As long as what was sent, whatever the key is: time tells the sender
     * nothing that he does not know. */
    if (wanted.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++)
        differ |= (unsigned)(text.ptr[i] ^ wanted.ptr[i % wanted.len]);
    return text.len == wanted.len && differ == 0;
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
