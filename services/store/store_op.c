/* Calls of a store in one block of memory each, hung in singly linked
 * queues. */
#include "services/store/store_op.h"

#include <libpq-fe.h>
#include <stdlib.h>

struct store_op *
store_op_new(const struct store_statement *statement, const char *const *params,
             size_t most)
{
    size_t bytes = 0;
    struct store_op *op = NULL;
    char *out = NULL;

    for (unsigned i = 0; i < statement->params; i++)
        bytes += params[i] ? strlen(params[i]) + 1 : 0;
    if (bytes > most)
        return NULL;
    op = calloc(1, sizeof(*op) + bytes);
    if (!op)
        return NULL;
    op->statement = statement;
    out = op->bytes;
    for (unsigned i = 0; i < statement->params; i++) {
        size_t len = params[i] ? strlen(params[i]) + 1 : 0;

        if (len == 0)
            continue;
        memcpy(out, params[i], len);
        op->params[i] = out;
        out += len;
    }
    return op;
}

void
store_op_free(struct store_op **op)
{
    if (!*op)
        return;
    PQclear((*op)->result);
    free(*op);
    *op = NULL;
}

void
store_op_finish(struct store_op *op, const struct store_result *result)
{
    if (op->done)
        op->done(op->context, result);
    store_op_free(&op);
}

void
store_op_queue_init(struct store_queue *queue)
{
    *queue = (struct store_queue){.last = &queue->first};
}

void
store_op_push(struct store_queue *queue, struct store_op *op)
{
    op->next = NULL;
    *queue->last = op;
    queue->last = &op->next;
    queue->count++;
}

struct store_op *
store_op_pop(struct store_queue *queue)
{
    struct store_op *op = queue->first;

    if (!op)
        return NULL;
    queue->first = op->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->count--;
    op->next = NULL;
    return op;
}
