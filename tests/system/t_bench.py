#!/usr/bin/python3
"""What `make bench` says of its figures: the verdict, the table, the picture."""
import json
import os
import sys
from xml.etree import ElementTree

from harness import check, equal, main, needs, world

sys.path.insert(0, world.TOP + "/tests/bench")
import bench_report  # noqa: E402
import bench_rows  # noqa: E402
import bench_telnet  # noqa: E402, F401: registers its rows

HARD = "`touch %s` it's \"x\" $HOME {/=9 a}_b^2 @c &d"


def entry(must, figures, problems=(), title="a title"):
    row = bench_rows.Row("name", title, must)
    result = bench_rows.Result(row)
    result.figures += figures
    result.problems += problems
    return bench_report.summary(result)


def test_a_row_is_reached_by_its_figure_alone():
    for must, figures, problems, reached in (
            (("≥", 1.15), [1.0, 1.2, 1.3], [], True),
            (("≥", 1.15), [1.0, 1.1, 1.3], [], False),
            (("≤", 1.3), [1.0, 1.2, 9.0], [], True),
            (("≤", 1.3), [1.4, 1.5, 1.0], [], False),
            (("≤", 1.3), [1.0, 1.0, 1.0], ["a fault"], False),
            (("≤", 1.3), [], [], False),
            (None, [1.0], [], None)):
        equal(entry(must, figures, problems)["reached"], reached,
              "%s of %s" % (must, figures))


def test_what_was_not_measured_is_not_in_the_table_as_reached():
    table = bench_report.table([entry(("≤", 1.3), [], ["no such user"])])
    check("not measured" in table and "NO" in table and
          "! no such user" in table, table)


@needs("gnuplot")
def test_every_title_is_in_the_picture_as_it_is():
    mark = world.WORK + "/touched"
    titles = [row.title for row in bench_rows.ROWS] + [HARD % mark]
    trouble = bench_report.draw(world.WORK, [
        entry(("≥", 1.0), [1.5], title=title) for title in titles])
    equal(trouble, "", "gnuplot's trouble")
    picture = ["".join(text.itertext()).strip() for text in
               ElementTree.parse(world.WORK + "/bench.svg").iter(
                   "{http://www.w3.org/2000/svg}text")]
    equal([t for t in titles if t not in picture], [], "not in the picture")
    check(not os.path.exists(mark), "a title was run")


def test_json_has_every_entry_as_it_is():
    path = world.WORK + "/bench.json"
    entries = [entry(("≥", 1.0), [1.5]), entry(None, [])]
    bench_report.save(path, entries, {"cores": 1})
    with open(path, encoding="utf-8") as file:
        equal(json.load(file), {"about": {"cores": 1}, "rows": entries},
              "what was saved")


if __name__ == "__main__":
    main()
