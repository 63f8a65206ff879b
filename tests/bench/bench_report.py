"""The results: a table for people, JSON for scripts, a picture."""
import json
import os
import shutil
import subprocess
import unicodedata

import bench_stats as stats


def judge(result):
    """The figure, its interval, and whether it is what it must be."""
    row = result.row
    figure = stats.median(result.figures)
    reached = None
    if row.must:
        sign, limit = row.must
        reached = figure >= limit if sign == "≥" else figure <= limit
        reached = reached and not result.problems
    return figure, stats.interval(result.figures), reached


def number(value):
    return "%.0f" % value if value >= 100 else "%.3g" % value


def summary(result):
    """A row as a dictionary, for bench.json and for the table."""
    row = result.row
    entry = {"row": row.name, "title": row.title, "unit": row.unit,
             "must": "%s %g" % row.must if row.must else None,
             "note": row.note, "details": result.details,
             "problems": result.problems, "figure": None, "reached": None,
             "rounds": len(result.figures), "figures": result.figures,
             "sides": result.sides}
    if result.figures:
        figure, interval, reached = judge(result)
        entry.update(figure=figure, reached=reached)
        if interval:
            entry.update(low=interval[0], high=interval[1],
                         confidence=interval[2])
    elif row.must:
        entry["reached"] = False
    return entry


def width(text):
    return sum(0 if unicodedata.combining(c) else 1 for c in text)


def pad(text, columns):
    return text + " " * (columns - width(text))


def cells(entry):
    if entry["figure"] is None:
        figure = "not measured"
    else:
        figure = number(entry["figure"]) + entry["unit"]
        if "low" in entry:
            figure += "  [%s, %s] at %.0f %%" % (
                number(entry["low"]), number(entry["high"]),
                100 * entry["confidence"])
    reached = {True: "yes", False: "NO", None: "–"}[entry["reached"]]
    return entry["title"], figure, entry["must"] or "–", reached


def explain(entry):
    """The lines below a row."""
    for name, values in entry["sides"].items():
        yield "%s: %s" % (name, number(stats.median(values)))
    yield from entry["details"]
    if entry["note"]:
        yield entry["note"]
    for problem in dict.fromkeys(entry["problems"]):
        yield "! " + problem


def table(entries):
    lines = [("row", "figure (median of the rounds)", "must reach",
              "reached?")] + [cells(e) for e in entries]
    columns = [max(width(l[i]) for l in lines) for i in range(4)]
    out = []
    for line, entry in zip(lines, [None] + entries):
        out.append("  ".join(pad(t, c) for t, c in zip(line, columns)))
        if entry is None:
            out.append("  ".join("-" * c for c in columns))
        else:
            out += ["    " + text for text in explain(entry)]
    return "\n".join(line.rstrip() for line in out)


def save(path, entries, about):
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump({"about": about, "rows": entries}, file, indent=1,
                  ensure_ascii=False)
        file.write("\n")
    os.rename(temporary, path)


PLOT = """set terminal svg size 900,{height} font "sans,12" background "white"
set output {svg}
set title "How far above (right of 1) or below what must be reached"
set style fill solid 0.8 border -1
set logscale x 2
set xrange [{low}:{high}]
set yrange [-0.7:{top}]
set ytics ({ytics}) nomirror noenhanced
set xtics nomirror
set grid x
set lmargin at screen 0.5
set arrow from 1,-0.7 to 1,{top} nohead lw 2 lc rgb "black"
plot {data} using ({low}):1:({low}):2:($1-0.35):($1+0.35):3 \\
    with boxxyerror lc rgb variable notitle
"""


def quote(text):
    """A text for gnuplot, which runs what stands in ` ` between " "."""
    return "'%s'" % text.replace("'", "''")


def draw(directory, entries):
    """build/bench/bench.svg; "" or why there is none."""
    if not shutil.which("gnuplot"):
        return "no picture: gnuplot is not installed (tools/deps bench)"
    bars = []
    for entry in entries:
        if entry["figure"] and entry["must"]:
            sign, limit = entry["must"].split()
            times = entry["figure"] / float(limit)
            bars.append((entry, times if sign == "≥" else 1 / times))
    if not bars:
        return "no picture: nothing was measured that must reach a figure"
    bars.reverse()
    data = directory + "/bench.dat"
    with open(data, "w", encoding="ascii") as file:
        for place, (entry, times) in enumerate(bars):
            file.write("%d %g %d\n" % (
                place, times, 0x2E8B57 if entry["reached"] else 0xC0392B))
    low = min([t for _, t in bars] + [0.5]) / 1.2
    high = max([t for _, t in bars] + [2]) * 1.2
    ytics = ", ".join("%s %d" % (
        quote(e["title"]), n) for n, (e, _) in enumerate(bars))
    script = PLOT.format(
        svg=quote(directory + "/bench.svg"), data=quote(data), low="%g" % low,
        high="%g" % high, top=len(bars) - 0.3, ytics=ytics,
        height=120 + 40 * len(bars))
    done = subprocess.run(["gnuplot"], input=script, text=True,
                          capture_output=True, check=False)
    return "" if done.returncode == 0 else "gnuplot: " + done.stderr.strip()
