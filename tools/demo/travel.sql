-- SPDX-License-Identifier: Apache-2.0
-- travel: flights, airports, postal places and work in the United States.
-- Views name their schema, so that they mean the same wherever the file is attached.
CREATE SCHEMA airports;
CREATE SCHEMA flights;
CREATE SCHEMA postal;
CREATE SCHEMA economy;

CREATE TABLE airports.airport (
    iata VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    city VARCHAR,
    state VARCHAR,
    country VARCHAR NOT NULL,
    latitude DOUBLE NOT NULL,
    longitude DOUBLE NOT NULL
);
INSERT INTO airports.airport
SELECT iata, trim(name), nullif(trim(city), 'NA'), nullif(state, 'NA'), country,
    latitude::DOUBLE, longitude::DOUBLE
FROM read_csv('airports.csv', header = true, all_varchar = true);
COMMENT ON TABLE airports.airport IS 'Airports of the United States, its territories and a few neighbours, one row each';
COMMENT ON COLUMN airports.airport.iata IS 'Airport code, e.g. ORD; joins to flights.flight.origin and destination';
COMMENT ON COLUMN airports.airport.name IS 'Name of the airport';
COMMENT ON COLUMN airports.airport.city IS 'City it serves; NULL where the source does not say';
COMMENT ON COLUMN airports.airport.state IS 'Two-letter state or territory; NULL where the source does not say';
COMMENT ON COLUMN airports.airport.country IS 'Country, USA for nearly all';
COMMENT ON COLUMN airports.airport.latitude IS 'Degrees north, WGS 84';
COMMENT ON COLUMN airports.airport.longitude IS 'Degrees east, WGS 84 (so negative in America)';

CREATE TABLE flights.flight (
    departed_at TIMESTAMP NOT NULL,
    arrival_delay_min SMALLINT NOT NULL,
    distance_mi SMALLINT NOT NULL,
    origin VARCHAR NOT NULL,
    destination VARCHAR NOT NULL
);
INSERT INTO flights.flight
SELECT date, delay, distance, origin, destination FROM read_parquet('flights-3m.parquet');
COMMENT ON TABLE flights.flight IS 'Three million completed flights inside the United States, January to June 2001; a sample';
COMMENT ON COLUMN flights.flight.departed_at IS 'Actual departure, local time of the origin';
COMMENT ON COLUMN flights.flight.arrival_delay_min IS 'Minutes after the scheduled arrival; negative when early';
COMMENT ON COLUMN flights.flight.distance_mi IS 'Distance between the airports in miles';
COMMENT ON COLUMN flights.flight.origin IS 'Airport code of the departure; joins to airports.airport.iata';
COMMENT ON COLUMN flights.flight.destination IS 'Airport code of the arrival; joins to airports.airport.iata';

CREATE VIEW flights.flight_detail AS
SELECT f.departed_at, f.arrival_delay_min, f.distance_mi,
    f.origin, o.name AS origin_name, o.city AS origin_city, o.state AS origin_state,
    f.destination, d.name AS destination_name, d.city AS destination_city,
    d.state AS destination_state
FROM flights.flight f
LEFT JOIN airports.airport o ON o.iata = f.origin
LEFT JOIN airports.airport d ON d.iata = f.destination;
COMMENT ON VIEW flights.flight_detail IS 'Flights with name, city and state of both airports; filter before sorting, it has three million rows';
COMMENT ON COLUMN flights.flight_detail.origin_state IS 'State of the departure airport';
COMMENT ON COLUMN flights.flight_detail.destination_state IS 'State of the arrival airport';

CREATE VIEW flights.delay_by_month AS
SELECT date_trunc('month', departed_at)::DATE AS month, count(*) AS flights,
    count(*) FILTER (arrival_delay_min >= 15) AS late_flights,
    round(avg(arrival_delay_min), 2)::DECIMAL(8, 2) AS mean_delay_min,
    max(arrival_delay_min) AS worst_delay_min
FROM flights.flight GROUP BY 1 ORDER BY 1;
COMMENT ON VIEW flights.delay_by_month IS 'Flights and arrival delays by month of departure';
COMMENT ON COLUMN flights.delay_by_month.month IS 'First day of the month';
COMMENT ON COLUMN flights.delay_by_month.late_flights IS 'Flights that arrived 15 minutes late or later';
COMMENT ON COLUMN flights.delay_by_month.mean_delay_min IS 'Mean arrival delay, early arrivals counted as negative';

CREATE VIEW flights.delay_by_origin AS
SELECT f.origin, any_value(a.name) AS airport, any_value(a.state) AS state,
    count(*) AS flights, count(*) FILTER (f.arrival_delay_min >= 15) AS late_flights,
    round(avg(f.arrival_delay_min), 2)::DECIMAL(8, 2) AS mean_delay_min
FROM flights.flight f LEFT JOIN airports.airport a ON a.iata = f.origin
GROUP BY f.origin;
COMMENT ON VIEW flights.delay_by_origin IS 'Flights and arrival delays by departure airport';
COMMENT ON COLUMN flights.delay_by_origin.late_flights IS 'Flights that arrived 15 minutes late or later';

CREATE VIEW flights.delay_by_hour AS
SELECT hour(departed_at) AS hour, count(*) AS flights, avg(arrival_delay_min) AS mean_delay_min
FROM flights.flight GROUP BY 1 ORDER BY 1;
COMMENT ON VIEW flights.delay_by_hour IS 'Flights and arrival delays by hour of the day of departure';
COMMENT ON COLUMN flights.delay_by_hour.hour IS '0 to 23, local time of the origin';

CREATE VIEW flights.route AS
SELECT origin, destination, min(distance_mi) AS distance_mi, count(*) AS flights,
    median(arrival_delay_min) AS median_delay_min
FROM flights.flight GROUP BY origin, destination;
COMMENT ON VIEW flights.route IS 'Every pair of airports with a flight, one row a direction';
COMMENT ON COLUMN flights.route.median_delay_min IS 'Half of the flights arrived later than this';

CREATE VIEW airports.by_state AS
SELECT state, count(*) AS airports FROM airports.airport
WHERE state IS NOT NULL GROUP BY state;
COMMENT ON VIEW airports.by_state IS 'Number of airports in each state and territory';

CREATE VIEW airports.busiest AS
SELECT a.iata, a.name, a.city, a.state, count(*) AS departures
FROM flights.flight f JOIN airports.airport a ON a.iata = f.origin
GROUP BY ALL ORDER BY departures DESC, a.iata;
COMMENT ON VIEW airports.busiest IS 'Airports by departures in flights.flight, busiest first';

CREATE TABLE postal.zipcode (
    zip VARCHAR PRIMARY KEY,
    city VARCHAR NOT NULL,
    county VARCHAR,
    state VARCHAR NOT NULL,
    latitude DOUBLE NOT NULL,
    longitude DOUBLE NOT NULL
);
INSERT INTO postal.zipcode
SELECT zip_code, city, county, state, latitude::DOUBLE, longitude::DOUBLE
FROM read_csv('zipcodes.csv', header = true, all_varchar = true);
COMMENT ON TABLE postal.zipcode IS 'Postal codes of the United States and Puerto Rico; a snapshot of 2017 and before';
COMMENT ON COLUMN postal.zipcode.zip IS 'Five digits, leading zeros kept';
COMMENT ON COLUMN postal.zipcode.county IS 'County or its like, without the word County';
COMMENT ON COLUMN postal.zipcode.state IS 'Two-letter state or territory';

CREATE VIEW postal.city AS
SELECT city, state, count(*) AS zipcodes, min(zip) AS first_zip, max(zip) AS last_zip
FROM postal.zipcode GROUP BY city, state;
COMMENT ON VIEW postal.city IS 'Cities with the number and range of their postal codes';

CREATE VIEW postal.state AS
SELECT state, count(*) AS zipcodes, count(DISTINCT city) AS cities,
    count(DISTINCT county) AS counties
FROM postal.zipcode GROUP BY state;
COMMENT ON VIEW postal.state IS 'Postal codes, cities and counties of each state';

CREATE TABLE economy.county_unemployment (
    county_fips VARCHAR PRIMARY KEY,
    rate DECIMAL(4, 3) NOT NULL
);
INSERT INTO economy.county_unemployment
SELECT lpad(id, 5, '0'), rate::DECIMAL(4, 3)
FROM read_csv('unemployment.tsv', delim = '\t', header = true, all_varchar = true);
COMMENT ON TABLE economy.county_unemployment IS 'Unemployment by county, about 2009';
COMMENT ON COLUMN economy.county_unemployment.county_fips IS 'Five digits: state (2) and county (3); joins to nature.habitat.county_habitat';
COMMENT ON COLUMN economy.county_unemployment.rate IS 'Share of the labour force: 0.097 is 9.7 %';

CREATE TABLE economy.industry_unemployment (
    industry VARCHAR NOT NULL,
    month DATE NOT NULL,
    persons_thousand INTEGER NOT NULL,
    rate_pct DECIMAL(4, 1) NOT NULL
);
INSERT INTO economy.industry_unemployment
SELECT series, make_date(year, month, 1), count, rate
FROM read_json('unemployment-across-industries.json',
    columns = {series: 'VARCHAR', year: 'BIGINT', month: 'BIGINT', count: 'INTEGER', rate: 'DECIMAL(4,1)'});
COMMENT ON TABLE economy.industry_unemployment IS 'Unemployed persons by industry and month, January 2000 to February 2010';
COMMENT ON COLUMN economy.industry_unemployment.industry IS 'One of 14 groups, e.g. Construction, Government, Self-employed';
COMMENT ON COLUMN economy.industry_unemployment.month IS 'First day of the month';
COMMENT ON COLUMN economy.industry_unemployment.persons_thousand IS 'Unemployed persons in thousands';
COMMENT ON COLUMN economy.industry_unemployment.rate_pct IS 'Unemployment rate in percent';

CREATE VIEW economy.state_unemployment AS
SELECT left(county_fips, 2) AS state_fips, count(*) AS counties,
    min(rate) AS lowest_rate, max(rate) AS highest_rate
FROM economy.county_unemployment GROUP BY 1;
COMMENT ON VIEW economy.state_unemployment IS 'Lowest and highest county of each state; counties are not weighted by people';

CREATE VIEW economy.industry_year AS
SELECT industry, year(month) AS year, count(*) AS months,
    max(persons_thousand) AS most_persons_thousand, max(rate_pct) AS highest_rate_pct
FROM economy.industry_unemployment GROUP BY 1, 2;
COMMENT ON VIEW economy.industry_year IS 'Unemployment by industry and year; 2010 has two months only';

-- One table of the same name in every schema: what is in here, in numbers.
CREATE TABLE airports.summary (metric VARCHAR, value BIGINT);
INSERT INTO airports.summary
SELECT 'airports', count(*) FROM airports.airport UNION ALL
SELECT 'states', count(DISTINCT state) FROM airports.airport UNION ALL
SELECT 'airports without a city', count(*) - count(city) FROM airports.airport;
CREATE TABLE flights.summary (metric VARCHAR, value BIGINT);
INSERT INTO flights.summary
SELECT 'flights', count(*) FROM flights.flight UNION ALL
SELECT 'origins', count(DISTINCT origin) FROM flights.flight UNION ALL
SELECT 'miles flown', sum(distance_mi) FROM flights.flight;
CREATE TABLE postal.summary (metric VARCHAR, value BIGINT);
INSERT INTO postal.summary
SELECT 'zipcodes', count(*) FROM postal.zipcode UNION ALL
SELECT 'states', count(DISTINCT state) FROM postal.zipcode;
CREATE TABLE economy.summary (metric VARCHAR, value BIGINT);
INSERT INTO economy.summary
SELECT 'counties', count(*) FROM economy.county_unemployment UNION ALL
SELECT 'industries', count(DISTINCT industry) FROM economy.industry_unemployment UNION ALL
SELECT 'months', count(DISTINCT month) FROM economy.industry_unemployment;
CREATE TABLE main.summary (metric VARCHAR, value BIGINT);
INSERT INTO main.summary VALUES ('schemas', 5);
INSERT INTO main.summary
SELECT s.metric, s.value FROM flights.summary s WHERE metric = 'flights' UNION ALL
SELECT s.metric, s.value FROM airports.summary s WHERE metric = 'airports' UNION ALL
SELECT s.metric, s.value FROM postal.summary s WHERE metric = 'zipcodes';
COMMENT ON TABLE airports.summary IS 'The schema airports in numbers';
COMMENT ON TABLE flights.summary IS 'The schema flights in numbers';
COMMENT ON TABLE postal.summary IS 'The schema postal in numbers';
COMMENT ON TABLE economy.summary IS 'The schema economy in numbers';
COMMENT ON TABLE main.summary IS 'The database travel in numbers';

CREATE TABLE main.source (
    relation VARCHAR PRIMARY KEY,
    file VARCHAR NOT NULL,
    publisher VARCHAR NOT NULL,
    licence VARCHAR NOT NULL
);
INSERT INTO main.source VALUES
    ('airports.airport', 'airports.csv', 'Data.gov', 'other-open (US government work)'),
    ('flights.flight', 'flights-3m.parquet', 'US Bureau of Transportation Statistics',
        'other-open (14 CFR 234, no terms stated)'),
    ('postal.zipcode', 'zipcodes.csv', 'GeoNames', 'CC BY 4.0'),
    ('economy.county_unemployment', 'unemployment.tsv', 'US Bureau of Labor Statistics',
        'US government data set'),
    ('economy.industry_unemployment', 'unemployment-across-industries.json',
        'US Bureau of Labor Statistics', 'US government data set');
COMMENT ON TABLE main.source IS 'Where each table comes from: vega-datasets 3.2.1, with the licence stated there';
COMMENT ON COLUMN main.source.relation IS 'Schema and table';

CREATE TABLE main.relation (
    schema_name VARCHAR NOT NULL,
    relation VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    comment VARCHAR
);
COMMENT ON TABLE main.relation IS 'Every table and view of this database';
CREATE VIEW main.overview AS
SELECT r.schema_name, r.relation, r.kind, r.comment, s.file, s.licence
FROM main.relation r LEFT JOIN main.source s ON s.relation = r.schema_name || '.' || r.relation;
COMMENT ON VIEW main.overview IS 'Every table and view of this database, what it holds and where it comes from; start here';
INSERT INTO main.relation
SELECT schema_name, table_name, 'table', comment
FROM duckdb_tables() WHERE database_name = current_database() UNION ALL
SELECT schema_name, view_name, 'view', comment
FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
ORDER BY ALL;
