/* The service ss.Ingest: what is known of each source, refresh now, what
 * became of every row, what a name means, which catalogs there were. */
#ifndef SERVICES_INGESTD_INGEST_SERVICE_H
#define SERVICES_INGESTD_INGEST_SERVICE_H

#include "services/ingestd/catalog_keeper.h"
#include "services/ingestd/catalog_store.h"
#include "services/ingestd/refresher.h"
#include "services/runtime/rpc_server.h"

#include "ingest.pb-c.h"

#define INGEST_SOURCE_NAMES                                                    \
    "openrouter, artificial-analysis, hf-leaderboard, lmarena, livebench"
#define INGEST_REPORT_ROWS_MAX 100000 /* of one answer */

/* All borrowed. */
struct ingest_parts {
    const struct catalog_keeper *keeper;
    struct catalog_store *store; /* NULL: versions are refused */
    struct refresher *refresher;
};

/* Embedded; must outlive the server it is added to. */
struct ingest_service {
    Ss__Ingest_Service base; /* first: handlers get its address */
    struct ingest_parts parts;
};

void ingest_service_init(struct ingest_service *service,
                         const struct ingest_parts *parts,
                         struct rpc_server *server);

/* The handlers that answer questions (ingest_questions.c) and those about
 * versions (ingest_versions.c). */
void ingest_service_on_report(Ss__Ingest_Service *base,
                              const Ss__ReportRequest *request,
                              Ss__ReportReply_Closure done, void *done_data);
void ingest_service_on_match(Ss__Ingest_Service *base,
                             const Ss__MatchRequest *request,
                             Ss__MatchReply_Closure done, void *done_data);
void ingest_service_on_versions(Ss__Ingest_Service *base,
                                const Ss__VersionsRequest *request,
                                Ss__VersionsReply_Closure done,
                                void *done_data);
void ingest_service_on_rollback(Ss__Ingest_Service *base,
                                const Ss__RollbackRequest *request,
                                Ss__RollbackReply_Closure done,
                                void *done_data);

#endif
