"""A wrong row harms nobody but itself: it is counted, the others are read."""

import csv
import io
import json
import unittest

import source_ways
import sources
from refreshing import Refreshing
from stack import Stack

EACH = 100  # one row in so many is wrong
HERE = sources.RECORDED


def spoil_list(recorded, wrongs, name):
    """Every EACHth entry of {"data": [...]} gets wrong, in one way after the
    other; the body, and the names of those entries."""
    document = json.loads(recorded)
    data, names = document["data"], []
    for i in range(0, len(data), EACH):
        names.append(data[i][name])
        data[i] = wrongs[i // EACH % len(wrongs)](data[i])
    return json.dumps(document).encode(), names


def spoil_table(recorded, wrongs, name):
    """The same of a CSV; wrongs are given the cells, and which is the name."""
    head, *lines = csv.reader(io.StringIO(recorded.decode()))
    at, names = head.index(name), []
    for i in range(0, len(lines), EACH):
        names.append(lines[i][at])
        lines[i] = wrongs[i // EACH % len(wrongs)](lines[i], at)
    text = io.StringIO()
    csv.writer(text).writerows([head, *lines])
    return text.getvalue().encode(), names


def worded(cells, at):
    """Words where figures should be."""
    return [cell if i == at else "high" for i, cell in enumerate(cells)]


def nameless(cells, at):
    return [cell if i != at else "" for i, cell in enumerate(cells)]


OFFERS = [
    lambda row: {**row, "id": 7},
    lambda row: {**row, "pricing": {**row["pricing"], "prompt": 0.5}},
    lambda row: {**row, "pricing": "free"},
    lambda row: "a model",
]
INDICES = [
    lambda row: {**row, "name": 12},
    lambda row: {**row, "evaluations": "none"},
    lambda row: [row],
    lambda row: {**row, "name": {"en": row["name"]}},
    lambda row: None,
    lambda row: {**row, "name": ""},
]
# source -> setting, how it is spoilt
SPOILT = {
    "openrouter": ("OPENROUTER", lambda recorded: spoil_list(
        recorded, OFFERS, "id")),
    "artificial-analysis": ("ARTIFICIAL_ANALYSIS", lambda recorded: spoil_list(
        recorded, INDICES, "name")),
    "hf-leaderboard": ("HF_LEADERBOARD", lambda recorded: spoil_table(
        recorded, [worded, nameless], "model_name")),
    "livebench": ("LIVEBENCH", lambda recorded: spoil_table(
        recorded, [worded, nameless], "model")),
    "lmarena": ("LMARENA", lambda recorded: spoil_table(
        recorded, [worded, nameless], "model")),
}


def figures(model):
    return {(figure.benchmark, figure.value, figure.via, figure.row)
            for figure in model.figures}


@unittest.skipUnless(HERE, f"{sources.FOLDER} is not here")
class Rows(Refreshing, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        cls.stack = cls.enterClassContext(Stack(**cls.server.settings()))

    def setUp(self):
        path = sources.URLS["OPENROUTER"]  # always the same recording
        self.server.ways = {path: source_ways.serves(self.server.body(path))}
        self.assert_ok(self.fetch())
        self.good = self.catalog()

    def serve_instead(self, key, body):
        self.server.ways[sources.URLS[key]] = source_ways.serves(body)

    def check_others(self, touched):
        """All models but these, and who inherits from them, are as before."""
        bad, same = self.catalog(), 0
        for id_, model in self.good.items():
            if id_.partition(":")[0] in touched:
                continue
            self.assertEqual(figures(bad[id_]), figures(model), id_)
            self.assertEqual(bad[id_].standing, model.standing, id_)
            same += 1
        self.assertGreater(same, len(self.good) * 0.9)

    def test_one_row_in_a_hundred_is_of_wrong_types(self):
        for source, (key, spoil) in SPOILT.items():
            with self.subTest(source):
                self.setUp()
                before, rows = self.report(source), self.rows(source)
                body, names = spoil(self.server.body(sources.URLS[key]))
                touched = {row.id.partition(":")[0] for row in rows
                           if row.id and row.row in names} | set(names)
                self.serve_instead(key, body)
                self.assert_ok(self.fetch(source), source)
                after = self.report(source)
                print(f"    {source}: {after.refused_rows} rows refused, "
                      f"{before.refused_rows} before")
                self.assertEqual(after.refused_rows,
                                 before.refused_rows + len(names))
                self.assertEqual(after.count, before.count - len(names))
                self.check_others(touched)

    def test_words_where_figures_should_be_leave_the_other_figures(self):
        path = sources.URLS["ARTIFICIAL_ANALYSIS"]
        document = json.loads(self.server.body(path))
        wrong = 0
        for row in document["data"][::EACH]:
            if row["evaluations"]["gpqa"] is not None:
                row["evaluations"]["gpqa"] = "high"
                wrong += 1
        before = self.report("artificial-analysis")
        self.serve_instead("ARTIFICIAL_ANALYSIS",
                           json.dumps(document).encode())
        self.assert_ok(self.fetch("artificial-analysis"))
        after = self.report("artificial-analysis")
        self.assertEqual(after.count, before.count)
        self.assertEqual(after.refused_rows, before.refused_rows)
        self.assertEqual(after.refused, before.refused + wrong)
        after = self.catalog()
        for id_, model in self.good.items():
            self.assertEqual(
                {f for f in figures(after[id_]) if f[0] != "gpqa"},
                {f for f in figures(model) if f[0] != "gpqa"}, id_)


if __name__ == "__main__":
    unittest.main(verbosity=2)
