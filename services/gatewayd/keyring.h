/* Which keys are valid: an Authorization header in, whose key it is out.
 *
 * Follows the snapshot "tenants" from feedbackd and keeps a copy of it on
 * disk, so keys work while feedbackd and PostgreSQL are away, after a restart
 * too. The machine's token is the file <home>/token, looked at again at most
 * once a second. Neither keys nor the token are ever logged; what is held of
 * a key is its hash. */
#ifndef SERVICES_GATEWAYD_KEYRING_H
#define SERVICES_GATEWAYD_KEYRING_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/layers.h"
#include "core/types/tenants.h"
#include "services/gatewayd/admission.h"
#include "services/runtime/loop.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/snapshot.h"

#define KEYRING_TOKEN_FILE "token"
#define KEYRING_TOKEN_LEAST 16 /* bytes; a shorter one is no secret */
#define KEYRING_TOKEN_MOST 512

struct keyring;

struct keyring_options {
    struct loop *loop;
    struct rpc_channel *feedback; /* borrowed */
    const char *home;             /* the copy lies in <home>/snapshots/ */
    const char *instance;         /* in the copy's name */
    loop_fn changed;              /* after new keys came; may be NULL */
    void *context;
};

/* What a request carries, and for whom it may speak: valid after the keyring
 * changed, too. */
struct keyring_bearer {
    enum admission_carries carries;
    char tenant[TENANT_MAX + 1];        /* "default" unless it is a live key */
    char key_id[TENANT_KEY_ID_MAX + 1]; /* for logs: "" without a key of ours */
};

/* Follow. A copy on disk is read before this returns (and `changed` called).
 * PERMISSION_DENIED and others when the folder cannot be made, OUT_OF_RANGE
 * when its path is too long, RESOURCE_EXHAUSTED. */
enum status keyring_new(const struct keyring_options *options,
                        struct keyring **ret_keyring) MUST_CHECK;
void keyring_free(struct keyring **keyring);
/* Whether there are keys, as far as is known. */
enum admission_keys keyring_keys(const struct keyring *keyring);
/* Look an Authorization header up (NULL: there is none). A scheme other than
 * Bearer carries nothing that is ours. */
struct keyring_bearer
keyring_look_up(struct keyring *keyring, const char *authorization);
const struct snapshot_follower *keyring_follower(const struct keyring *keyring);

#endif
