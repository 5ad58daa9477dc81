/* Cost efficiency: a quotient and the cases in which there is none. */
#include "router/efficiency.h"

nusd_per_mtok
efficiency_cost(const struct model *model)
{
    nusd_per_mtok prompt = model->prompt_price;
    nusd_per_mtok completion = model->completion_price;
    if (prompt < 0 || completion < 0 || prompt > INT64_MAX - completion)
        return INT64_MAX;
    return prompt + completion;
}

bool
efficiency_of(const struct model *model, const struct score *score,
              double *ret_efficiency)
{
    nusd_per_mtok cost = efficiency_cost(model);
    if (!score->present || cost == 0 || cost == INT64_MAX)
        return false;
    *ret_efficiency = score->mean / ((double)cost / (double)PRICE_USD);
    return true;
}
