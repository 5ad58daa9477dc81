/* CSV in, over libcsv: the one file that knows it.
 *
 * libcsv calls back per field and per row; fields are gathered behind one
 * another until the row ends. Its callbacks cannot stop it, so bytes are fed
 * in small pieces and a failure is looked at after each. White space belongs
 * to the field (RFC 4180). */
#include "core/base/csv_in.h"

#include "core/base/buf.h"

#include <csv.h>

#define PIECE ((size_t)4096)
#define ROW_BYTES_MAX ((size_t)CSV_COLUMNS_MAX * CSV_FIELD_MAX)

struct reader {
    csv_row_fn row;
    void *context;
    struct buf bytes; /* the fields of the current row */
    size_t ends[CSV_COLUMNS_MAX];
    size_t count;
    size_t rows;
    size_t width;       /* columns of the first row */
    bool is_at_end;     /* the row had no line end */
    enum status status; /* the first failure; then nothing happens any more */
};

static void
on_field(void *field, size_t len, void *context)
{
    struct reader *reader = context;
    if (reader->status != STATUS_OK)
        return;
    if (len > CSV_FIELD_MAX || reader->count == CSV_COLUMNS_MAX) {
        reader->status = STATUS_RESOURCE_EXHAUSTED;
        return;
    }
    buf_put(&reader->bytes, field, len);
    if (!buf_ok(&reader->bytes))
        reader->status = STATUS_RESOURCE_EXHAUSTED;
    reader->ends[reader->count++] = reader->bytes.len;
}

static void
on_row(int terminator, void *context)
{
    (void)terminator;
    struct reader *reader = context;
    if (reader->status != STATUS_OK)
        return;
    if (reader->rows == 0)
        reader->width = reader->count;
    if (reader->is_at_end && reader->count < reader->width) {
        reader->status = STATUS_DATA_LOSS;
        return;
    }
    struct slice columns[CSV_COLUMNS_MAX];
    struct slice all = buf_slice(&reader->bytes);
    size_t from = 0;
    for (size_t i = 0; i < reader->count; i++) {
        columns[i] = slice_cut(all, from, reader->ends[i]);
        from = reader->ends[i];
    }
    reader->status =
        reader->row(reader->context, reader->rows++, columns, reader->count);
    reader->count = 0;
    buf_reset(&reader->bytes);
}

static int
never_space(unsigned char c)
{
    (void)c;
    return 0;
}

static enum status
feed(struct csv_parser *parser, struct slice bytes, struct reader *reader)
{
    for (size_t at = 0; at < bytes.len; at += PIECE) {
        struct slice piece = slice_cut(bytes, at, at + PIECE);
        size_t taken =
            csv_parse(parser, piece.ptr, piece.len, on_field, on_row, reader);
        if (reader->status != STATUS_OK)
            return reader->status;
        if (taken != piece.len)
            return csv_error(parser) == CSV_EPARSE ? STATUS_INVALID_ARGUMENT
                                                   : STATUS_RESOURCE_EXHAUSTED;
        /* A field that does not end grows libcsv's buffer. */
        if (csv_get_buffer_size(parser) > CSV_FIELD_MAX + 2 * PIECE)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    reader->is_at_end = true;
    if (csv_fini(parser, on_field, on_row, reader) != 0)
        return csv_error(parser) == CSV_EPARSE ? STATUS_INVALID_ARGUMENT
                                               : STATUS_RESOURCE_EXHAUSTED;
    return reader->status;
}

enum status
csv_read(struct slice bytes, csv_row_fn row, void *context)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    csv_set_space_func(&parser, never_space);
    struct slice mark = SLICE("\xef\xbb\xbf"); /* of UTF-8, by some editors */
    if (slice_starts(bytes, mark))
        bytes = slice_cut(bytes, mark.len, bytes.len);
    struct reader reader = {
        .row = row, .context = context, .status = STATUS_OK};
    buf_init(&reader.bytes, ROW_BYTES_MAX);
    enum status status = feed(&parser, bytes, &reader);
    buf_fini(&reader.bytes);
    csv_free(&parser);
    return status;
}
