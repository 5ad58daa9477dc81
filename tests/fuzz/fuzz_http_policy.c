/* Header values and targets that a client chose, by every rule that reads
 * them: no crash, and what the rules promise of each other holds.
 * links: services_gatewayd
 * options: -max_len=512 */
#include "services/gatewayd/client_address.h"
#include "services/gatewayd/http_front.h"
#include "services/gatewayd/http_policy.h"
#include "tests/fuzz/fuzz.h"

#define TEXTS 4

static void
check_bearer(const char *authorization)
{
    struct slice bearer = slice_make(NULL, 0);

    if (!http_policy_bearer(authorization, &bearer))
        return;
    CHECK(bearer.ptr >= authorization &&
          bearer.ptr + bearer.len <= authorization + strlen(authorization));
    CHECK(slice_trim(bearer).len == bearer.len);
}

/* Nothing that a page says makes it less foreign. */
static void
check_page(const char *const texts[TEXTS])
{
    const struct http_policy_page said = {.host = texts[0],
                                          .origin = texts[1],
                                          .referer = texts[2],
                                          .fetch_site = texts[3]};
    const struct http_policy_page origin = {.host = texts[0],
                                            .origin = texts[1]};

    if (http_policy_is_foreign(&origin))
        CHECK(http_policy_is_foreign(&said));
    if (!http_policy_is_foreign(&origin))
        CHECK(slice_starts(slice_of(texts[1]), SLICE("http://")) ||
              slice_starts(slice_of(texts[1]), SLICE("https://")));
}

static void
check_client(const char *peer, const char *forwarded)
{
    struct client_networks trusted = {0};
    struct ip_address client, peers, key;

    CHECK(client_networks_parse(SLICE("127.0.0.0/8,::1"), &trusted) ==
          STATUS_OK);
    client = client_address_of(slice_of(peer), forwarded, &trusted);
    /* A stranger's word for who he is counts for nothing. */
    if (ip_parse(slice_of(peer), &peers) &&
        !client_networks_hold(&trusted, &peers))
        CHECK(memcmp(&client, &peers, sizeof(client)) == 0);
    key = client_address_key(client);
    CHECK(memcmp(&key, &client, 8) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_slice(data, size), part;
    const char *texts[TEXTS] = {"", "", "", ""};
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 1 << 20);
    struct client_networks networks;

    for (size_t i = 0; i < TEXTS && slice_split(&rest, '\n', &part); i++)
        texts[i] = arena_text(arena, part);
    check_page(texts);
    check_bearer(texts[0]);
    check_client(texts[0], texts[1]);
    check_client("127.0.0.1", texts[1]);
    /* A name with the list it is to be in, and one that no list holds. */
    if (http_policy_host(texts[0], texts[1]))
        CHECK(*texts[0] != '\0' && *texts[0] != ':');
    CHECK(!http_policy_host("evil.example", ""));
    (void)http_policy_is_json(texts[0], *texts[1] != '\0');
    (void)http_policy_lists(texts[0], "close");
    (void)http_policy_etag_matches(texts[0], texts[1]);
    if (http_policy_is_idempotency_key(texts[0]))
        CHECK(strlen(texts[0]) <= 128);
    (void)!client_networks_parse(slice_of(texts[0]), &networks);
    CHECK(http_front_refusal(slice_of(texts[0])) < HTTP_REFUSAL_COUNT);
    return 0;
}
