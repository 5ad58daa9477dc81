/* Replies for people: a pick as a few lines, lists as tables, the rest as
 * `name: value` lines. By descriptor, so a new reply needs nothing here. */
#ifndef SERVICES_CLI_CLI_PRINT_H
#define SERVICES_CLI_CLI_PRINT_H

#include "core/base/buf.h"
#include "services/api/transcode.h"

/* category ("coding"): which of a model's scores its row shows. */
void cli_print_reply(const ProtobufCMessage *reply, const char *category,
                     struct buf *out);
/* Whether the answer is a list, and empty: nothing was found. */
bool cli_print_is_nothing(const ProtobufCMessage *reply);

#endif
