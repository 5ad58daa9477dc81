/* Rows of the LAYER statements into a build. */
#ifndef SERVICES_FEEDBACKD_LAYER_ROWS_H
#define SERVICES_FEEDBACKD_LAYER_ROWS_H

#include "services/feedbackd/layer_build.h"
#include "services/store/rows.h"

/* Row by row from column `first` on; rows whose first column is NULL (a
 * LEFT JOIN without partner) and rows of a category this program does not
 * know are passed over. As layer_build_rating and layer_build_vote. */
enum status layer_rows_ratings(struct layer_build *build,
                               const struct pg_result *rows,
                               int first) MUST_CHECK;
enum status layer_rows_votes(struct layer_build *build,
                             const struct pg_result *rows,
                             int first) MUST_CHECK;
enum status layer_rows_baselines(struct baselines *baselines,
                                 const struct pg_result *rows) MUST_CHECK;

#endif
