/* The rules of trust at the edge, as a table.
 *
 * The first rule that fits refuses; what no rule refuses is admitted. A page
 * of another origin is turned away before its key is looked at, so it cannot
 * find out which keys work. */
#include "services/gatewayd/admission.h"

#include "core/base/check.h"

#include <stddef.h>

/* Sets, as bits. */
#define IN(member) (1u << (member))
#define PRIVATE IN(CALL_PRIVATE)
#define WRITE IN(CALL_WRITE)
#define SPEND IN(CALL_SPEND)
#define EXEC IN(CALL_EXEC)
#define ANYTHING (~0u)

enum fact {
    FACT_FOREIGN,
    FACT_BEYOND,
    FACT_KEYS_IN_USE,
    FACT_KEYS_UNKNOWN,
    FACT_WRITE_OPEN,
    FACT_SPEND_ENABLED,
    FACT_EXEC_ENABLED,
};

static const struct admission_refusal foreign_page = {
    403, "FORBIDDEN",
    "a page of another origin may only ask what everybody may; make this call "
    "from a program, or from a page that this server serves"};
static const struct admission_refusal revoked_key = {
    401, "UNAUTHORIZED",
    "this key was revoked; whoever runs this server can make another with "
    "`smart-spawn keys add TENANT`"};
static const struct admission_refusal unknown_key = {
    401, "UNAUTHORIZED",
    "this key is not one of this server; look whether it was copied whole, "
    "or have one made with `smart-spawn keys add TENANT`"};
static const struct admission_refusal keys_not_here = {
    503, "UNAVAILABLE",
    "which keys are valid is not known here yet; try again in a moment"};
static const struct admission_refusal own_key = {
    401, "UNAUTHORIZED",
    "this call needs its own key, as `Authorization: Bearer KEY`: the one "
    "that the server was started with (refresh.api_key, REFRESH_API_KEY)"};
static const struct admission_refusal always_a_key = {
    401, "UNAUTHORIZED",
    "what costs money or runs programs needs a key, as `Authorization: "
    "Bearer KEY`: one made with `smart-spawn keys add TENANT`, or this "
    "machine's own in the file `token` of its state folder"};
static const struct admission_refusal spend_disabled = {
    403, "DISABLED",
    "calls that cost money are turned off here; the operator turns them on "
    "with spend.enabled = yes (SMART_SPAWN_SPEND_ENABLED=yes)"};
static const struct admission_refusal exec_disabled = {
    403, "DISABLED",
    "calls that run programs are turned off here; the operator turns them on "
    "with exec.enabled = yes (SMART_SPAWN_EXEC_ENABLED=yes)"};
static const struct admission_refusal key_beyond = {
    401, "UNAUTHORIZED",
    "this server can be reached from other machines, so writing needs a key: "
    "make one on it with `smart-spawn keys add TENANT` and send it as "
    "`Authorization: Bearer KEY`; write_open = yes would let everybody write"};
static const struct admission_refusal private_beyond = {
    401, "UNAUTHORIZED",
    "this server can be reached from other machines, so what was recorded is "
    "told by key only: send yours as `Authorization: Bearer KEY`; on the "
    "server, `smart-spawn keys add TENANT` makes one"};
static const struct admission_refusal key_in_use = {
    401, "UNAUTHORIZED",
    "this server has keys, so writing needs one: send it as `Authorization: "
    "Bearer KEY`; `smart-spawn keys add TENANT` makes one"};

static const struct rule {
    unsigned classes, carries; /* sets */
    unsigned with, without;    /* facts that must hold, and must not */
    const struct admission_refusal *refusal;
} rules[] = {
    {PRIVATE | WRITE | SPEND | EXEC, ANYTHING, IN(FACT_FOREIGN), 0,
     &foreign_page},

    {ANYTHING, IN(ADMISSION_REVOKED_KEY), 0, 0, &revoked_key},
    {ANYTHING, IN(ADMISSION_UNKNOWN_KEY), 0, 0, &unknown_key},
    {ANYTHING, IN(ADMISSION_UNCHECKED_KEY), 0, 0, &keys_not_here},
    {ANYTHING, IN(ADMISSION_NOT_OWN_KEY), 0, 0, &own_key},

    {SPEND | EXEC, IN(ADMISSION_NOTHING) | IN(ADMISSION_OWN_KEY), 0, 0,
     &always_a_key},
    {SPEND, ANYTHING, 0, IN(FACT_SPEND_ENABLED), &spend_disabled},
    {EXEC, ANYTHING, 0, IN(FACT_EXEC_ENABLED), &exec_disabled},

    {PRIVATE, IN(ADMISSION_NOTHING), IN(FACT_BEYOND), IN(FACT_WRITE_OPEN),
     &private_beyond},
    {WRITE, IN(ADMISSION_NOTHING), IN(FACT_BEYOND), IN(FACT_WRITE_OPEN),
     &key_beyond},
    {WRITE, IN(ADMISSION_NOTHING), IN(FACT_KEYS_IN_USE), IN(FACT_WRITE_OPEN),
     &key_in_use},
    {WRITE, IN(ADMISSION_NOTHING), IN(FACT_KEYS_UNKNOWN), IN(FACT_WRITE_OPEN),
     &keys_not_here},
};

static unsigned
facts_of(const struct admission_case *c)
{
    return (c->is_foreign ? IN(FACT_FOREIGN) : 0) |
           (c->is_beyond ? IN(FACT_BEYOND) : 0) |
           (c->keys == ADMISSION_KEYS_SOME ? IN(FACT_KEYS_IN_USE) : 0) |
           (c->keys == ADMISSION_KEYS_UNKNOWN ? IN(FACT_KEYS_UNKNOWN) : 0) |
           (c->write_open ? IN(FACT_WRITE_OPEN) : 0) |
           (c->spend_enabled ? IN(FACT_SPEND_ENABLED) : 0) |
           (c->exec_enabled ? IN(FACT_EXEC_ENABLED) : 0);
}

const struct admission_refusal *
admission_judge(const struct admission_case *c)
{
    unsigned facts = facts_of(c);

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];

        if ((rule->classes & IN(c->class)) != 0 &&
            (rule->carries & IN(c->carries)) != 0 &&
            (facts & rule->with) == rule->with && (facts & rule->without) == 0)
            return rule->refusal;
    }
    return NULL;
}

/* A page of another origin is answered as if nobody had rated anything: it
 * would else read the visitor's ratings out of the scores. An open community
 * server is the operator's wish: there all programs share one tenant. */
bool
admission_is_nobody(const struct admission_case *c)
{
    return c->is_foreign ||
           (c->carries == ADMISSION_NOTHING && c->is_beyond && !c->write_open);
}
