/* The tenants as bytes (ss.TenantsSnapshot) and back; always whole. */
#ifndef PROTO_TENANTS_CODEC_H
#define PROTO_TENANTS_CODEC_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/tenants.h"

/* Append the tenants to out. INVALID_ARGUMENT for keys that tenants_decode
 * would refuse, RESOURCE_EXHAUSTED when out or memory is full. */
enum status
tenants_encode(const struct tenants *tenants, struct buf *out) MUST_CHECK;
/* New tenants that own copies of everything; end them with tenants_free.
 * INVALID_ARGUMENT: no TenantsSnapshot, a hash of another length, an id, a
 * tenant or a label that is none (core/types/tenants.h), keys not ascending.
 * RESOURCE_EXHAUSTED past TENANTS_KEYS_MAX. */
enum status
tenants_decode(struct slice bytes, struct tenants **ret_tenants) MUST_CHECK;

#endif
