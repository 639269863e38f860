#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the demonstration databases must answer, worked out from the published files.

usage: facts.py DATA_DIRECTORY

Prints one JSON object a line, {"sql": ..., "rows": [[...], ...]}: a query and its rows in
the form of our results. Nothing here asks DuckDB. The flights need pyarrow; without it
their facts are left out, and standard error says so.
"""
import collections
import csv
import datetime
import decimal
import fractions
import json
import os
import sys

Decimal = decimal.Decimal
LATE_MIN = 15
COSTLY_USD = 100000


def number(value):
    """The shortest digits that read back as the same double."""
    for precision in range(15, 18):
        digits = "%.*g" % (precision, value)
        if float(digits) == value:
            return digits
    raise ValueError(value)


def cell(value):
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        return '"%d"' % value
    if isinstance(value, (Decimal, datetime.date)):
        return json.dumps(value.isoformat() if isinstance(value, datetime.date) else str(value))
    return json.dumps(value, ensure_ascii=False)


def emit(sql, rows):
    lines = ",".join("[%s]" % ",".join(cell(value) for value in row) for row in rows)
    print('{"sql":%s,"rows":[%s]}' % (json.dumps(sql), lines))


def rounded(total, count):
    """total / count with two digits, halves away from zero."""
    hundredths = abs(fractions.Fraction(total, count)) * 100 + fractions.Fraction(1, 2)
    return Decimal(int(hundredths)).scaleb(-2).copy_sign(total)


def grouped(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items(), key=lambda item: item[0])


def top(counts, limit):
    """The largest values first; among equals the smaller key."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]


class Files:
    """The published files as lists of dictionaries, all values of CSV as texts."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return os.path.join(self.directory, name)

    def csv(self, name, delimiter=","):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter=delimiter))

    def json(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file, parse_float=Decimal)


def flights(files):
    try:
        import pyarrow.compute as compute
        import pyarrow.parquet as parquet
    except ImportError:
        print("facts.py: no pyarrow, so no facts about flights", file=sys.stderr)
        return
    table = parquet.read_table(files.path("flights-3m.parquet"))
    delay, date = table["delay"], table["date"]
    miles = compute.sum(table["distance"]).as_py()
    late = compute.cast(compute.greater_equal(delay, LATE_MIN), "int64")
    table = table.append_column("month", compute.month(date)).append_column("late", late)
    table = table.append_column("hour", compute.hour(date))

    def by(*keys):
        sums = [("delay", "sum"), ("delay", "count"), ("delay", "max"), ("late", "sum")]
        rows = table.group_by(list(keys)).aggregate(sums).to_pylist()
        return sorted(rows, key=lambda row: [row[key] for key in keys])

    emit("SELECT count(*), sum(arrival_delay_min), sum(distance_mi), min(arrival_delay_min),"
         " max(arrival_delay_min) FROM travel.flights.flight",
         [[table.num_rows, compute.sum(delay).as_py(), miles, compute.min(delay).as_py(),
           compute.max(delay).as_py()]])
    emit("SELECT min(departed_at), max(departed_at) FROM travel.flights.flight",
         [[compute.min(date).as_py(), compute.max(date).as_py()]])
    emit("SELECT metric, value FROM travel.flights.summary ORDER BY metric",
         [["flights", table.num_rows], ["miles flown", miles], ["origins", len(by("origin"))]])
    emit("SELECT metric, value FROM travel.main.summary ORDER BY metric",
         [["airports", len(files.csv("airports.csv"))], ["flights", table.num_rows],
          ["schemas", 5], ["zipcodes", len(files.csv("zipcodes.csv"))]])
    flight_times(by)
    flight_places(by, {row["iata"]: row for row in files.csv("airports.csv")})


def flight_times(by):
    emit("SELECT month, flights, late_flights, mean_delay_min, worst_delay_min"
         " FROM travel.flights.delay_by_month ORDER BY month",
         [[datetime.date(2001, row["month"], 1), row["delay_count"], row["late_sum"],
           rounded(row["delay_sum"], row["delay_count"]), row["delay_max"]] for row in by("month")])
    emit("SELECT hour, flights, mean_delay_min FROM travel.flights.delay_by_hour ORDER BY hour",
         [[row["hour"], row["delay_count"], row["delay_sum"] / row["delay_count"]]
          for row in by("hour")])


def flight_places(by, airports):
    origins = by("origin")
    counts = {row["origin"]: row["delay_count"] for row in origins}
    emit("SELECT iata, name, city, state, departures FROM travel.airports.busiest"
         " ORDER BY departures DESC, iata LIMIT 10",
         [[code, airports[code]["name"], airports[code]["city"], airports[code]["state"], count]
          for code, count in top(counts, 10)])
    means = {row["origin"]: rounded(row["delay_sum"], row["delay_count"])
             for row in origins if row["delay_count"] >= 10000}
    late = {row["origin"]: row["late_sum"] for row in origins}
    emit("SELECT origin, airport, late_flights, mean_delay_min FROM travel.flights.delay_by_origin"
         " WHERE flights >= 10000 ORDER BY mean_delay_min DESC, origin LIMIT 5",
         [[code, airports[code]["name"], late[code], mean] for code, mean in top(means, 5)])
    routes = {(row["origin"], row["destination"]): row["delay_count"]
              for row in by("origin", "destination")}
    emit("SELECT origin, destination, flights FROM travel.flights.route"
         " ORDER BY flights DESC, origin, destination LIMIT 5",
         [[*pair, count] for pair, count in top(routes, 5)])
    to_honolulu = collections.Counter()
    for (origin, destination), count in routes.items():
        if destination == "HNL":
            to_honolulu[airports[origin]["state"]] += count
    emit("SELECT origin_state, count(*) FROM travel.flights.flight_detail"
         " WHERE destination = 'HNL' GROUP BY 1 ORDER BY 2 DESC, 1", top(to_honolulu, 99))


def airports(files):
    rows = files.csv("airports.csv")
    known = [row for row in rows if row["state"] != "NA"]
    states = collections.Counter(row["state"] for row in known)
    no_city = sum(row["city"] == "NA" for row in rows)
    emit("SELECT count(*), count(state), count(DISTINCT state) FROM travel.airports.airport",
         [[len(rows), len(known), len(states)]])
    emit("SELECT state, airports FROM travel.airports.by_state ORDER BY airports DESC, state LIMIT 5",
         top(states, 5))
    emit("SELECT iata, name, city, state, latitude, longitude FROM travel.airports.airport"
         " WHERE iata IN ('HNL', 'ORD', 'SCE') ORDER BY iata",
         [[row["iata"], row["name"], *(None if row[key] == "NA" else row[key]
                                       for key in ("city", "state")),
           float(row["latitude"]), float(row["longitude"])]
          for row in sorted(rows, key=lambda row: row["iata"])
          if row["iata"] in ("HNL", "ORD", "SCE")])
    emit("SELECT metric, value FROM travel.airports.summary ORDER BY metric",
         [["airports", len(rows)], ["airports without a city", no_city], ["states", len(states)]])


def postal(files):
    rows = files.csv("zipcodes.csv")
    states = grouped(rows, lambda row: row["state"])
    emit("SELECT zip, city, county, state, latitude, longitude FROM travel.postal.zipcode"
         " ORDER BY zip LIMIT 3",
         [[row["zip_code"], row["city"], row["county"], row["state"], float(row["latitude"]),
           float(row["longitude"])] for row in sorted(rows, key=lambda row: row["zip_code"])[:3]])
    emit("SELECT state, zipcodes, cities FROM travel.postal.state"
         " WHERE state IN ('CA', 'NY', 'RI', 'TX') ORDER BY state",
         [[state, len(part), len({row["city"] for row in part})]
          for state, part in states if state in ("CA", "NY", "RI", "TX")])
    houston = sorted(row["zip_code"] for row in rows if (row["city"], row["state"]) == ("Houston", "TX"))
    emit("SELECT zipcodes, first_zip, last_zip FROM travel.postal.city"
         " WHERE city = 'Houston' AND state = 'TX'", [[len(houston), houston[0], houston[-1]]])
    emit("SELECT metric, value FROM travel.postal.summary ORDER BY metric",
         [["states", len(states)], ["zipcodes", len(rows)]])


def economy(files):
    counties = {row["id"].zfill(5): Decimal(row["rate"]).quantize(Decimal("0.001"))
                for row in files.csv("unemployment.tsv", "\t")}
    rates = counties.values()
    emit("SELECT count(*), sum(rate), min(rate), max(rate) FROM travel.economy.county_unemployment",
         [[len(counties), sum(rates), min(rates), max(rates)]])
    worst = sorted(counties.items(), key=lambda item: (-item[1], item[0]))[:3]
    emit("SELECT county_fips, rate FROM travel.economy.county_unemployment"
         " ORDER BY rate DESC, county_fips LIMIT 3", worst)
    texas = [rate for fips, rate in counties.items() if fips.startswith("48")]
    emit("SELECT counties, lowest_rate, highest_rate FROM travel.economy.state_unemployment"
         " WHERE state_fips = '48'", [[len(texas), min(texas), max(texas)]])

    months = files.json("unemployment-across-industries.json")
    year = [row for row in months if row["year"] == 2009]
    emit("SELECT industry, months, most_persons_thousand, highest_rate_pct"
         " FROM travel.economy.industry_year WHERE year = 2009 ORDER BY industry",
         [[name, len(part), max(row["count"] for row in part),
           max(Decimal(row["rate"]) for row in part).quantize(Decimal("0.1"))]
          for name, part in grouped(year, lambda row: row["series"])])
    emit("SELECT month, persons_thousand FROM travel.economy.industry_unemployment"
         " WHERE industry = 'Construction' ORDER BY persons_thousand DESC, month LIMIT 2",
         [[datetime.date(row["year"], row["month"], 1), row["count"]]
          for row in sorted((row for row in months if row["series"] == "Construction"),
                            key=lambda row: (-row["count"], row["year"], row["month"]))[:2]])
    emit("SELECT metric, value FROM travel.economy.summary ORDER BY metric",
         [["counties", len(counties)], ["industries", len({row["series"] for row in months})],
          ["months", len({(row["year"], row["month"]) for row in months})]])


def wildlife(files):
    rows = files.csv("birdstrikes.csv")
    cost = lambda row: int(row["Cost Total $"])
    emit("SELECT year, strikes, with_damage, cost_total_usd FROM nature.wildlife.strikes_by_year"
         " ORDER BY year",
         [[int(year), len(part), sum(row["Effect Amount of damage"] != "None" for row in part),
           sum(map(cost, part))] for year, part in grouped(rows, lambda row: row["Flight Date"][:4])])
    sizes = collections.Counter(row["Wildlife Size"] for row in rows)
    emit("SELECT size, count(*) FROM nature.wildlife.birdstrike GROUP BY size ORDER BY size",
         [[size, sizes[size]] for size in ("Small", "Medium", "Large")])
    operators = collections.Counter(row["Aircraft Airline Operator"] for row in rows)
    emit("SELECT operator, count(*) FROM nature.wildlife.birdstrike GROUP BY operator"
         " ORDER BY 2 DESC, 1 LIMIT 5", top(operators, 5))
    species = collections.Counter(row["Wildlife Species"] for row in rows)
    emit("SELECT species, strikes FROM nature.wildlife.strikes_by_species"
         " ORDER BY strikes DESC, species LIMIT 5", top(species, 5))
    speeds = [int(row["Speed IAS in knots"]) for row in rows if row["Speed IAS in knots"]]
    emit("SELECT count(*), count(speed_knots), avg(speed_knots), sum(speed_knots)"
         " FROM nature.wildlife.birdstrike",
         [[len(rows), len(speeds), sum(speeds) / len(speeds), sum(speeds)]])
    costly = [row for row in enumerate(rows, 1) if cost(row[1]) >= COSTLY_USD]
    emit("SELECT count(*), sum(cost_total_usd) FROM nature.wildlife.costly_strike",
         [[len(costly), sum(cost(row) for _, row in costly)]])
    costly.sort(key=lambda item: (-cost(item[1]), item[0]))
    emit("SELECT strike_id, flight_date, airport, species, size, cost_total_usd"
         " FROM nature.wildlife.costly_strike ORDER BY cost_total_usd DESC, strike_id LIMIT 3",
         [[line, row["Flight Date"], row["Airport Name"], row["Wildlife Species"],
           row["Wildlife Size"], cost(row)] for line, row in costly[:3]])
    emit("SELECT metric, value FROM nature.wildlife.summary ORDER BY metric",
         [["cost in dollars", sum(map(cost, rows))], ["species", len(species)],
          ["strikes", len(rows)]])


def habitat(files):
    rows = files.csv("species.csv")
    share = lambda row: Decimal(row["habitat_yearround_pct"]).quantize(Decimal("0.0001"))
    species = grouped(rows, lambda row: row["common_name"])
    emit("SELECT common_name, counties, counties_with_habitat, county_areas"
         " FROM nature.habitat.species_range ORDER BY common_name",
         [[name, len(part), sum(share(row) > 0 for row in part), sum(map(share, part))]
          for name, part in species])
    frogs = sorted(dict(species)["American Bullfrog"], key=lambda row: (-share(row), row["county_id"]))
    emit("SELECT county_fips, habitat_share FROM nature.habitat.county_habitat"
         " WHERE species_code = 'aAMBUx' ORDER BY habitat_share DESC, county_fips LIMIT 3",
         [[row["county_id"], share(row)] for row in frogs[:3]])
    emit("SELECT metric, value FROM nature.habitat.summary ORDER BY metric",
         [["counties", len({row["county_id"] for row in rows})], ["species", len(species)]])

    rates = {row["id"].zfill(5): Decimal(row["rate"]) for row in files.csv("unemployment.tsv", "\t")}
    both = [row for row in rows if rates.get(row["county_id"], 0) >= Decimal("0.2")]
    emit("SELECT s.common_name, count(*), sum(h.habitat_share)"
         " FROM nature.habitat.county_habitat h"
         " JOIN nature.habitat.species s ON s.code = h.species_code"
         " JOIN travel.economy.county_unemployment u ON u.county_fips = h.county_fips"
         " WHERE u.rate >= 0.2 GROUP BY 1 ORDER BY 1",
         [[name, len(part), sum(map(share, part))]
          for name, part in grouped(both, lambda row: row["common_name"])])


def weather(files):
    rows = files.csv("weather.csv")
    tenths = lambda text: Decimal(text).quantize(Decimal("0.1"))
    kinds = ("sun", "fog", "drizzle", "rain", "snow")
    cities = grouped(rows, lambda row: row["location"])
    emit("SELECT city, kind, count(*) FROM nature.weather.daily GROUP BY city, kind ORDER BY city, kind",
         [[city, kind, sum(row["weather"] == kind for row in part)] for city, part in cities
          for kind in kinds])
    emit("SELECT city, year(day), sum(precipitation_mm), max(temperature_max_c), min(temperature_min_c)"
         " FROM nature.weather.daily GROUP BY 1, 2 ORDER BY 1, 2",
         [[city, int(year), *extremes(part, tenths)]
          for (city, year), part in grouped(rows, lambda row: (row["location"], row["date"][:4]))])
    emit("SELECT month, precipitation_mm, hottest_c, coldest_c, wet_days FROM nature.weather.monthly"
         " WHERE city = 'Seattle' AND month < DATE '2012-07-01' ORDER BY month",
         [[month + "-01", *extremes(part, tenths),
           sum(tenths(row["precipitation"]) > 0 for row in part)]
          for month, part in grouped(dict(cities)["Seattle"], lambda row: row["date"][:7])[:6]])
    seattle = files.csv("seattle-weather.csv")
    emit("SELECT count(*), sum(precipitation_mm), sum(temperature_max_c), sum(wind)"
         " FROM nature.weather.seattle",
         [[len(seattle), *(sum(tenths(row[key]) for row in seattle)
                           for key in ("precipitation", "temp_max", "wind"))]])
    hours = files.csv("seattle-weather-hourly-normals.csv")
    emit("SELECT hour, pressure_hpa, temperature_c, wind FROM nature.weather.hourly_normal"
         " ORDER BY temperature_c DESC, hour LIMIT 3",
         [[row["date"], *(tenths(row[key]) for key in ("pressure", "temperature", "wind"))]
          for row in sorted(hours, key=lambda row: (-tenths(row["temperature"]), row["date"]))[:3]])
    emit("SELECT metric, value FROM nature.weather.summary ORDER BY metric",
         [["days", len(rows)], ["normal hours", len(hours)]])


def extremes(days, tenths):
    return (sum(tenths(row["precipitation"]) for row in days),
            max(tenths(row["temp_max"]) for row in days),
            min(tenths(row["temp_min"]) for row in days))


def antarctica(files):
    rows = files.json("penguins.json")
    species = grouped(rows, lambda row: row["Species"])

    def known(part, key):
        return [row[key] for row in part if row[key] is not None]

    emit("SELECT species, penguins, mean_mass_g, shortest_flipper_mm, longest_flipper_mm"
         " FROM nature.antarctica.by_species ORDER BY species",
         [[name, len(part), sum(known(part, "Body Mass (g)")) / len(known(part, "Body Mass (g)")),
           min(known(part, "Flipper Length (mm)")), max(known(part, "Flipper Length (mm)"))]
          for name, part in species])
    sexes = collections.Counter(row["Sex"] if row["Sex"] in ("MALE", "FEMALE") else None for row in rows)
    emit("SELECT sex, count(*) FROM nature.antarctica.penguin GROUP BY sex ORDER BY sex NULLS LAST",
         [[sex, sexes[sex]] for sex in ("FEMALE", "MALE", None)])
    columns = ("Species", "Island", "Beak Length (mm)", "Body Mass (g)")
    emit('SELECT "Species", "Island", "Beak Length (mm)", "Body Mass (g)"'
         ' FROM nature.antarctica."Penguin Sizes" WHERE "Body Mass (g)" >= 6000'
         ' ORDER BY "Body Mass (g)" DESC, "Beak Length (mm)"',
         [[Decimal(row[key]).quantize(Decimal("0.1")) if "Beak" in key else row[key] for key in columns]
          for row in sorted((row for row in rows if (row["Body Mass (g)"] or 0) >= 6000),
                            key=lambda row: (-row["Body Mass (g)"], row["Beak Length (mm)"]))])
    emit("SELECT metric, value FROM nature.antarctica.summary ORDER BY metric",
         [["islands", len({row["Island"] for row in rows})], ["penguins", len(rows)]])
    emit("SELECT metric, value FROM nature.main.summary ORDER BY metric",
         [["days", len(files.csv("weather.csv"))], ["penguins", len(rows)], ["schemas", 6],
          ["strikes", len(files.csv("birdstrikes.csv"))]])


def world(files):
    rows = files.json("gapminder.json")
    regions = ("South Asia", "Europe and Central Asia", "Sub-Saharan Africa", "America",
               "East Asia and Pacific", "Middle East and North Africa")
    newest = [row for row in rows if row["year"] == 2005]
    emit("SELECT region, countries, population, lowest_life_expectancy, highest_life_expectancy"
         " FROM nature.world.region_year WHERE year = 2005 ORDER BY region",
         [[name, len(part), sum(row["pop"] for row in part),
           float(min(row["life_expect"] for row in part)), float(max(row["life_expect"] for row in part))]
          for name, part in grouped(newest, lambda row: regions[row["cluster"]])])
    emit("SELECT year, population, life_expectancy, fertility FROM nature.world.country_year"
         " WHERE country = 'Brazil' ORDER BY year",
         [[row["year"], row["pop"], float(row["life_expect"]), float(row["fertility"])]
          for row in rows if row["country"] == "Brazil"])
    emit("SELECT country, population FROM nature.world.country_year WHERE year = 2005"
         " ORDER BY population DESC LIMIT 3",
         [[row["country"], row["pop"]] for row in sorted(newest, key=lambda row: -row["pop"])[:3]])
    emit("SELECT metric, value FROM nature.world.summary ORDER BY metric",
         [["countries", len({row["country"] for row in rows})],
          ["people in 2005", sum(row["pop"] for row in newest)]])


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: facts.py DATA_DIRECTORY")
    files = Files(sys.argv[1])
    for part in (flights, airports, postal, economy, wildlife, habitat, weather, antarctica, world):
        part(files)


if __name__ == "__main__":
    main()
