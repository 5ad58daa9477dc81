/* Checked requests and a table in, reply messages out.
 *
 * Each function checks the request (services/routerd/questions.h), asks the
 * router and fills a reply in the view's arena. On another status than OK the
 * refusal says why: INVALID_ARGUMENT, NOT_FOUND (NO_MODEL), or
 * RESOURCE_EXHAUSTED. Pure: no socket, no clock. */
#ifndef SERVICES_ROUTERD_ANSWERS_H
#define SERVICES_ROUTERD_ANSWERS_H

#include "core/base/status.h"
#include "services/routerd/view.h"

#include "router.pb-c.h"

enum status
answers_pick(const struct view *view, const Ss__PickRequest *request,
             Ss__PickReply **ret_reply, struct refusal *ret_refusal) MUST_CHECK;
enum status answers_recommend(const struct view *view,
                              const Ss__RecommendRequest *request,
                              Ss__RecommendReply **ret_reply,
                              struct refusal *ret_refusal) MUST_CHECK;
enum status answers_compare(const struct view *view,
                            const Ss__CompareRequest *request,
                            Ss__CompareReply **ret_reply,
                            struct refusal *ret_refusal) MUST_CHECK;
enum status answers_models(const struct view *view,
                           const Ss__ModelsRequest *request,
                           Ss__ModelsReply **ret_reply,
                           struct refusal *ret_refusal) MUST_CHECK;

#endif
