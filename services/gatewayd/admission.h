/* Who asks, for what, and how this gateway stands in; admitted or why not
 * out.
 *
 * A pure decision, one table of rules (admission.c); every rule is a row in
 * tests/tables/trust.tsv. What a request carries was found out before
 * (keyring.h), and whether a page of another origin asks (http_policy.h). */
#ifndef SERVICES_GATEWAYD_ADMISSION_H
#define SERVICES_GATEWAYD_ADMISSION_H

#include "services/api/call_table.h"

#include <stdbool.h>

/* What a request carries as "Authorization: Bearer". */
enum admission_carries {
    ADMISSION_NOTHING,
    ADMISSION_LIVE_KEY,
    ADMISSION_REVOKED_KEY,
    ADMISSION_UNKNOWN_KEY,
    ADMISSION_UNCHECKED_KEY, /* the keys are not known here yet */
    ADMISSION_MACHINE_TOKEN, /* of this machine's user */
    ADMISSION_OWN_KEY,       /* of this one call, which has one */
    ADMISSION_NOT_OWN_KEY,   /* anything else, for such a call */
    ADMISSION_CARRIES_COUNT
};

/* The tenant of strangers: it has no ratings, so nobody else's are seen. */
#define ADMISSION_NOBODY "-nobody-"

/* What is known of the deployment's keys, revoked ones included. */
enum admission_keys {
    ADMISSION_KEYS_NONE,
    ADMISSION_KEYS_SOME,
    ADMISSION_KEYS_UNKNOWN, /* no snapshot of them came yet */
    ADMISSION_KEYS_COUNT
};

struct admission_case {
    enum call_class class;
    enum admission_carries carries;
    enum admission_keys keys;
    bool is_foreign; /* a page of another origin asks */
    bool is_beyond;  /* others than this machine can ask */
    bool write_open, spend_enabled, exec_enabled;
};

struct admission_refusal {
    unsigned status; /* of HTTP; 401 wants WWW-Authenticate, 503 Retry-After */
    const char *code, *message; /* the message says what to do next */
};

/* Why it is refused; NULL: admitted. Whoever is admitted with a live key
 * speaks for that key's tenant; a page of another origin, and who carries
 * nothing where others can ask, for nobody (ADMISSION_NOBODY); everybody else
 * for "default". */
const struct admission_refusal *admission_judge(const struct admission_case *c);
/* Whether this case, admitted, speaks for ADMISSION_NOBODY. */
bool admission_is_nobody(const struct admission_case *c);

#endif
