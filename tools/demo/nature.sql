-- SPDX-License-Identifier: Apache-2.0
-- nature: wildlife, habitats, weather, penguins and people.
-- Views name their schema, so that they mean the same wherever the file is attached.
CREATE SCHEMA wildlife;
CREATE SCHEMA habitat;
CREATE SCHEMA weather;
CREATE SCHEMA antarctica;
CREATE SCHEMA world;

CREATE TYPE wildlife.body_size AS ENUM ('Small', 'Medium', 'Large');
CREATE TABLE wildlife.birdstrike (
    strike_id INTEGER PRIMARY KEY,
    flight_date DATE NOT NULL,
    airport VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    operator VARCHAR NOT NULL,
    aircraft VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    time_of_day VARCHAR NOT NULL,
    species VARCHAR NOT NULL,
    size wildlife.body_size NOT NULL,
    damage VARCHAR NOT NULL,
    speed_knots SMALLINT,
    cost_repair_usd INTEGER NOT NULL,
    cost_other_usd INTEGER NOT NULL,
    cost_total_usd INTEGER NOT NULL
);
INSERT INTO wildlife.birdstrike
SELECT row_number() OVER (), "Flight Date"::DATE, "Airport Name", "Origin State",
    "Aircraft Airline Operator", "Aircraft Make Model", "Phase of flight", "Time of day",
    "Wildlife Species", "Wildlife Size", "Effect Amount of damage",
    "Speed IAS in knots", "Cost Repair", "Cost Other", "Cost Total $"
FROM read_csv('birdstrikes.csv', header = true, all_varchar = true, parallel = false);
COMMENT ON TABLE wildlife.birdstrike IS 'Wildlife strikes to aircraft reported in the United States, 1990 to 2002; a selection of 10,000';
COMMENT ON COLUMN wildlife.birdstrike.strike_id IS 'Line of the published file, from 1';
COMMENT ON COLUMN wildlife.birdstrike.state IS 'State by its full name (DC for Washington)';
COMMENT ON COLUMN wildlife.birdstrike.operator IS 'Airline, BUSINESS or MILITARY';
COMMENT ON COLUMN wildlife.birdstrike.phase IS 'Phase of flight: Approach, Climb, Take-off run, Landing Roll, Descent, Taxi, Parked';
COMMENT ON COLUMN wildlife.birdstrike.size IS 'Size of the animal; sorts from Small to Large';
COMMENT ON COLUMN wildlife.birdstrike.damage IS 'None, Minor, Medium or Substantial; B and C as published';
COMMENT ON COLUMN wildlife.birdstrike.speed_knots IS 'Indicated air speed; NULL where not reported';
COMMENT ON COLUMN wildlife.birdstrike.cost_total_usd IS 'Repair and other cost in US dollars';

CREATE VIEW wildlife.strikes_by_year AS
SELECT year(flight_date) AS year, count(*) AS strikes,
    count(*) FILTER (damage <> 'None') AS with_damage, sum(cost_total_usd) AS cost_total_usd
FROM wildlife.birdstrike GROUP BY 1 ORDER BY 1;
COMMENT ON VIEW wildlife.strikes_by_year IS 'Strikes, strikes with damage and cost by year';

CREATE VIEW wildlife.strikes_by_species AS
SELECT species, count(*) AS strikes, max(cost_total_usd) AS worst_cost_usd
FROM wildlife.birdstrike GROUP BY species;
COMMENT ON VIEW wildlife.strikes_by_species IS 'Strikes by species of the animal; many are unknown birds';

CREATE VIEW wildlife.costly_strike AS
SELECT strike_id, flight_date, airport, operator, aircraft, species, size, cost_total_usd
FROM wildlife.birdstrike WHERE cost_total_usd >= 100000;
COMMENT ON VIEW wildlife.costly_strike IS 'Strikes that cost 100,000 dollars or more';

CREATE TABLE habitat.species (
    code VARCHAR PRIMARY KEY,
    common_name VARCHAR NOT NULL,
    scientific_name VARCHAR NOT NULL,
    item_id VARCHAR NOT NULL
);
INSERT INTO habitat.species
SELECT DISTINCT gap_species_code, common_name, scientific_name, item_id
FROM read_csv('species.csv', header = true, all_varchar = true) ORDER BY common_name;
COMMENT ON TABLE habitat.species IS 'The four species of county_habitat';
COMMENT ON COLUMN habitat.species.code IS 'Species code of the Gap Analysis Project';
COMMENT ON COLUMN habitat.species.item_id IS 'Identifier at ScienceBase';

CREATE TABLE habitat.county_habitat (
    species_code VARCHAR NOT NULL,
    county_fips VARCHAR NOT NULL,
    habitat_share DECIMAL(5, 4) NOT NULL
);
INSERT INTO habitat.county_habitat
SELECT gap_species_code, county_id, habitat_yearround_pct::DECIMAL(5, 4)
FROM read_csv('species.csv', header = true, all_varchar = true);
COMMENT ON TABLE habitat.county_habitat IS 'How much of each county is year-round habitat of a species; contiguous United States';
COMMENT ON COLUMN habitat.county_habitat.species_code IS 'Joins to habitat.species.code';
COMMENT ON COLUMN habitat.county_habitat.county_fips IS 'Five digits: state (2) and county (3); joins to travel.economy.county_unemployment';
COMMENT ON COLUMN habitat.county_habitat.habitat_share IS 'Share of the county''s area, 0 to 1';

CREATE VIEW habitat.species_range AS
SELECT s.common_name, count(*) AS counties,
    count(*) FILTER (h.habitat_share > 0) AS counties_with_habitat,
    sum(h.habitat_share) AS county_areas
FROM habitat.county_habitat h JOIN habitat.species s ON s.code = h.species_code
GROUP BY s.common_name;
COMMENT ON VIEW habitat.species_range IS 'In how many counties each species has year-round habitat';
COMMENT ON COLUMN habitat.species_range.county_areas IS 'Sum of the shares; not weighted by area';

CREATE TYPE weather.kind AS ENUM ('sun', 'fog', 'drizzle', 'rain', 'snow');
CREATE TABLE weather.daily (
    city VARCHAR NOT NULL,
    day DATE NOT NULL,
    precipitation_mm DECIMAL(5, 1) NOT NULL,
    temperature_max_c DECIMAL(4, 1) NOT NULL,
    temperature_min_c DECIMAL(4, 1) NOT NULL,
    wind DECIMAL(4, 1) NOT NULL,
    kind weather.kind NOT NULL,
    PRIMARY KEY (city, day)
);
INSERT INTO weather.daily
SELECT location, date::DATE, precipitation, temp_max, temp_min, wind, weather
FROM read_csv('weather.csv', header = true, all_varchar = true);
COMMENT ON TABLE weather.daily IS 'Daily weather of Seattle and New York, 2012 to 2015';
COMMENT ON COLUMN weather.daily.city IS 'Seattle or New York';
COMMENT ON COLUMN weather.daily.precipitation_mm IS 'Rain and melted snow in millimetres';
COMMENT ON COLUMN weather.daily.temperature_max_c IS 'Degrees Celsius';
COMMENT ON COLUMN weather.daily.temperature_min_c IS 'Degrees Celsius';
COMMENT ON COLUMN weather.daily.wind IS 'Mean wind speed, as published (said to be km/h)';
COMMENT ON COLUMN weather.daily.kind IS 'The day in a word, from sun to snow';

CREATE TABLE weather.hourly_normal (
    hour TIMESTAMP PRIMARY KEY,
    pressure_hpa DECIMAL(5, 1) NOT NULL,
    temperature_c DECIMAL(4, 1) NOT NULL,
    wind DECIMAL(4, 1) NOT NULL
);
INSERT INTO weather.hourly_normal
SELECT date::TIMESTAMP, pressure, temperature, wind
FROM read_csv('seattle-weather-hourly-normals.csv', header = true, all_varchar = true);
COMMENT ON TABLE weather.hourly_normal IS 'What is normal in Seattle at each hour of the year: means of 1981 to 2010';
COMMENT ON COLUMN weather.hourly_normal.hour IS 'Hour of a nominal year 2010, from 1 January 01:00';
COMMENT ON COLUMN weather.hourly_normal.pressure_hpa IS 'Sea-level pressure in hectopascal';

CREATE VIEW weather.seattle AS
SELECT day, precipitation_mm, temperature_max_c, temperature_min_c, wind, kind
FROM weather.daily WHERE city = 'Seattle';
COMMENT ON VIEW weather.seattle IS 'Daily weather of Seattle alone';

CREATE VIEW weather.monthly AS
SELECT city, date_trunc('month', day)::DATE AS month, sum(precipitation_mm) AS precipitation_mm,
    max(temperature_max_c) AS hottest_c, min(temperature_min_c) AS coldest_c,
    count(*) FILTER (precipitation_mm > 0) AS wet_days
FROM weather.daily GROUP BY 1, 2;
COMMENT ON VIEW weather.monthly IS 'Daily weather put together by city and month';
COMMENT ON COLUMN weather.monthly.month IS 'First day of the month';

CREATE TABLE antarctica.penguin (
    penguin_id SMALLINT PRIMARY KEY,
    species VARCHAR NOT NULL,
    island VARCHAR NOT NULL,
    beak_length_mm DECIMAL(4, 1),
    beak_depth_mm DECIMAL(4, 1),
    flipper_length_mm SMALLINT,
    body_mass_g SMALLINT,
    sex VARCHAR
);
INSERT INTO antarctica.penguin
SELECT row_number() OVER (), "Species", "Island", "Beak Length (mm)", "Beak Depth (mm)",
    "Flipper Length (mm)", "Body Mass (g)", nullif("Sex", '.')
FROM read_json('penguins.json', columns = {"Species": 'VARCHAR', "Island": 'VARCHAR',
    "Beak Length (mm)": 'DECIMAL(4,1)', "Beak Depth (mm)": 'DECIMAL(4,1)',
    "Flipper Length (mm)": 'SMALLINT', "Body Mass (g)": 'SMALLINT', "Sex": 'VARCHAR'});
COMMENT ON TABLE antarctica.penguin IS 'Penguins measured at Palmer Station, one row a bird';
COMMENT ON COLUMN antarctica.penguin.penguin_id IS 'Place in the published file, from 1';
COMMENT ON COLUMN antarctica.penguin.species IS 'Adelie, Chinstrap or Gentoo';
COMMENT ON COLUMN antarctica.penguin.island IS 'Biscoe, Dream or Torgersen';
COMMENT ON COLUMN antarctica.penguin.body_mass_g IS 'Grams; NULL where not measured';
COMMENT ON COLUMN antarctica.penguin.sex IS 'MALE or FEMALE; NULL where not known';

CREATE VIEW antarctica.by_species AS
SELECT species, count(*) AS penguins, avg(body_mass_g) AS mean_mass_g,
    min(flipper_length_mm) AS shortest_flipper_mm, max(flipper_length_mm) AS longest_flipper_mm
FROM antarctica.penguin GROUP BY species;
COMMENT ON VIEW antarctica.by_species IS 'Penguins put together by species';
COMMENT ON COLUMN antarctica.by_species.mean_mass_g IS 'Mean of the birds that were weighed';

CREATE VIEW antarctica."Penguin Sizes" AS
SELECT species AS "Species", island AS "Island", beak_length_mm AS "Beak Length (mm)",
    beak_depth_mm AS "Beak Depth (mm)", flipper_length_mm AS "Flipper Length (mm)",
    body_mass_g AS "Body Mass (g)", sex AS "Sex"
FROM antarctica.penguin;
COMMENT ON VIEW antarctica."Penguin Sizes" IS 'Penguins under the published column names; names with blanks need double quotes';
COMMENT ON COLUMN antarctica."Penguin Sizes"."Body Mass (g)" IS 'Grams; NULL where not measured';

CREATE TABLE world.region (
    region_id TINYINT PRIMARY KEY,
    name VARCHAR NOT NULL
);
INSERT INTO world.region VALUES (0, 'South Asia'), (1, 'Europe and Central Asia'),
    (2, 'Sub-Saharan Africa'), (3, 'America'), (4, 'East Asia and Pacific'),
    (5, 'Middle East and North Africa');
COMMENT ON TABLE world.region IS 'Six regions of the world';

CREATE TABLE world.country_year (
    country VARCHAR NOT NULL,
    year SMALLINT NOT NULL,
    region_id TINYINT NOT NULL,
    population BIGINT NOT NULL,
    life_expectancy DOUBLE NOT NULL,
    fertility DOUBLE NOT NULL,
    PRIMARY KEY (country, year)
);
INSERT INTO world.country_year
SELECT country, year, cluster, pop, life_expect, fertility
FROM read_json('gapminder.json', columns = {year: 'SMALLINT', country: 'VARCHAR',
    cluster: 'TINYINT', pop: 'BIGINT', life_expect: 'DOUBLE', fertility: 'DOUBLE'});
COMMENT ON TABLE world.country_year IS 'People, life expectancy and births of 62 countries, every five years from 1955 to 2005';
COMMENT ON COLUMN world.country_year.region_id IS 'Joins to world.region.region_id';
COMMENT ON COLUMN world.country_year.life_expectancy IS 'Years at birth';
COMMENT ON COLUMN world.country_year.fertility IS 'Children a woman';

CREATE VIEW world.region_year AS
SELECT r.name AS region, c.year, count(*) AS countries, sum(c.population) AS population,
    min(c.life_expectancy) AS lowest_life_expectancy,
    max(c.life_expectancy) AS highest_life_expectancy
FROM world.country_year c JOIN world.region r ON r.region_id = c.region_id
GROUP BY 1, 2;
COMMENT ON VIEW world.region_year IS 'Countries put together by region and year; only the 62 countries listed count';

-- One table of the same name in every schema: what is in here, in numbers.
CREATE TABLE wildlife.summary (metric VARCHAR, value BIGINT);
INSERT INTO wildlife.summary
SELECT 'strikes', count(*) FROM wildlife.birdstrike UNION ALL
SELECT 'species', count(DISTINCT species) FROM wildlife.birdstrike UNION ALL
SELECT 'cost in dollars', sum(cost_total_usd) FROM wildlife.birdstrike;
CREATE TABLE habitat.summary (metric VARCHAR, value BIGINT);
INSERT INTO habitat.summary
SELECT 'species', count(*) FROM habitat.species UNION ALL
SELECT 'counties', count(DISTINCT county_fips) FROM habitat.county_habitat;
CREATE TABLE weather.summary (metric VARCHAR, value BIGINT);
INSERT INTO weather.summary
SELECT 'days', count(*) FROM weather.daily UNION ALL
SELECT 'normal hours', count(*) FROM weather.hourly_normal;
CREATE TABLE antarctica.summary (metric VARCHAR, value BIGINT);
INSERT INTO antarctica.summary
SELECT 'penguins', count(*) FROM antarctica.penguin UNION ALL
SELECT 'islands', count(DISTINCT island) FROM antarctica.penguin;
CREATE TABLE world.summary (metric VARCHAR, value BIGINT);
INSERT INTO world.summary
SELECT 'countries', count(DISTINCT country) FROM world.country_year UNION ALL
SELECT 'people in 2005', sum(population) FROM world.country_year WHERE year = 2005;
CREATE TABLE main.summary (metric VARCHAR, value BIGINT);
INSERT INTO main.summary VALUES ('schemas', 6);
INSERT INTO main.summary
SELECT s.metric, s.value FROM wildlife.summary s WHERE metric = 'strikes' UNION ALL
SELECT s.metric, s.value FROM weather.summary s WHERE metric = 'days' UNION ALL
SELECT s.metric, s.value FROM antarctica.summary s WHERE metric = 'penguins';
COMMENT ON TABLE wildlife.summary IS 'The schema wildlife in numbers';
COMMENT ON TABLE habitat.summary IS 'The schema habitat in numbers';
COMMENT ON TABLE weather.summary IS 'The schema weather in numbers';
COMMENT ON TABLE antarctica.summary IS 'The schema antarctica in numbers';
COMMENT ON TABLE world.summary IS 'The schema world in numbers';
COMMENT ON TABLE main.summary IS 'The database nature in numbers';

CREATE TABLE main.source (
    relation VARCHAR PRIMARY KEY,
    file VARCHAR NOT NULL,
    publisher VARCHAR NOT NULL,
    licence VARCHAR NOT NULL
);
INSERT INTO main.source VALUES
    ('wildlife.birdstrike', 'birdstrikes.csv', 'US Federal Aviation Administration',
        'US government data set'),
    ('habitat.county_habitat', 'species.csv', 'US Geological Survey', 'US government data set'),
    ('habitat.species', 'species.csv', 'US Geological Survey', 'US government data set'),
    ('weather.daily', 'weather.csv', 'NOAA', 'US government data set'),
    ('weather.hourly_normal', 'seattle-weather-hourly-normals.csv', 'NOAA',
        'US government data set'),
    ('antarctica.penguin', 'penguins.json', 'Palmer Station LTER; Allison Horst', 'CC0 1.0'),
    ('world.country_year', 'gapminder.json', 'Gapminder Foundation', 'CC BY 4.0'),
    ('world.region', 'gapminder.json', 'Gapminder Foundation', 'CC BY 4.0');
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
