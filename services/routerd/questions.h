/* Requests from outside in, checked questions or a refusal out.
 *
 * Everything is checked here, whoever calls: texts are UTF-8 and of bounded
 * length, ids are ids, names are known, numbers are clamped as the contract
 * says. Each function returns INVALID_ARGUMENT and fills ret_refusal with the
 * field and the rule, or RESOURCE_EXHAUSTED when the arena is full. What is
 * returned borrows the request and the view's arena. */
#ifndef SERVICES_ROUTERD_QUESTIONS_H
#define SERVICES_ROUTERD_QUESTIONS_H

#include "router/browse.h"
#include "router/compare.h"
#include "router/question.h"
#include "router/recommend.h"
#include "services/routerd/view.h"

#include "router.pb-c.h"

#define QUESTIONS_TASK_MAX CLASSIFY_BYTES_MAX /* bytes */
#define QUESTIONS_TAG_MAX 64                  /* bytes of a context tag */
#define QUESTIONS_REQUIRE_MAX 20              /* names */

/* A question and what belongs to its answer beside it. */
struct asked {
    struct question question;
    /* How the category was found; without evidence when it was given. */
    struct classification classification;
    struct slice ignored[QUESTION_CONTEXT_MAX]; /* unknown context tags */
    size_t ignored_count;
};

enum status
questions_pick(const struct view *view, const Ss__PickRequest *request,
               struct asked *ret_asked, struct refusal *ret_refusal) MUST_CHECK;
/* ret_count: models wanted. */
enum status questions_recommend(const struct view *view,
                                const Ss__RecommendRequest *request,
                                struct asked *ret_asked, size_t *ret_count,
                                struct refusal *ret_refusal) MUST_CHECK;
/* ret_ids holds COMPARE_MAX. */
enum status questions_compare(const Ss__CompareRequest *request,
                              struct slice *ret_ids, size_t *ret_count,
                              struct refusal *ret_refusal) MUST_CHECK;
enum status questions_models(const struct view *view,
                             const Ss__ModelsRequest *request,
                             struct browse_request *ret_request,
                             struct refusal *ret_refusal) MUST_CHECK;

#endif
