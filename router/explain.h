/* Explaining: sentences about an answer, for people. Pure text; every number
 * in it is one the answer shows. */
#ifndef ROUTER_EXPLAIN_H
#define ROUTER_EXPLAIN_H

#include "core/base/buf.h"
#include "router/pick.h"
#include "router/question.h"

/* "Best coding model at medium budget ($0-5/M) — score: 81"; for the
 * objective value what it was chosen over. */
void explain_pick(const struct question *question, const struct pick *pick,
                  struct buf *out);
/* "Top coding model at low budget (fast) (3 benchmark sources)". */
void explain_recommendation(const struct question *question,
                            const struct candidate *candidate, struct buf *out);
/* The better and cheaper model that a filter hides; nothing when there is
 * none. */
void explain_hidden(const struct question *question, const struct pick *pick,
                    struct buf *out);
/* Why no model is left: what each filter removed, and what to relax first. */
void explain_no_model(const struct question *question,
                      const uint32_t removed[FILTER_COUNT], struct buf *out);

#endif
