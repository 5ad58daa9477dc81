/* One call of a store, with its parameters, and queues of them. Internal to
 * services/store. */
#ifndef SERVICES_STORE_STORE_OP_H
#define SERVICES_STORE_STORE_OP_H

#include "services/store/store.h"

enum store_op_kind {
    STORE_OP_PREPARED, /* execute the statement by its name */
    STORE_OP_PREPARE,  /* prepare the statement */
    STORE_OP_PLAIN,    /* send the statement's SQL as it is */
};

struct store_op {
    struct store_op *next;
    const struct store_statement *statement; /* borrowed */
    enum store_op_kind kind;
    bool write;
    store_done_fn done;
    void *context;
    struct pg_result *result; /* owned; what PostgreSQL answered so far */
    const char *params[STORE_PARAMS_MAX]; /* into bytes */
    char bytes[];
};

struct store_queue {
    struct store_op *first;
    struct store_op **last; /* where the next one is hung */
    size_t count;
};

/* A call with copies of its parameters; NULL when malloc fails or they pass
 * `most` bytes. */
struct store_op *store_op_new(const struct store_statement *statement,
                              const char *const *params, size_t most);
void store_op_free(struct store_op **op);
/* Tell its owner how it ended, and free it. */
void store_op_finish(struct store_op *op, const struct store_result *result);

void store_op_queue_init(struct store_queue *queue);
void store_op_push(struct store_queue *queue, struct store_op *op);
/* NULL when it is empty. */
struct store_op *store_op_pop(struct store_queue *queue);

#endif
