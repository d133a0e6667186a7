"""Serve the pages: the list of SLOs, the worst first, and each SLO with its charts.

In come the newest snapshot, the engine's timelines and the query in the URL; out goes HTML that needs no
script. The packaged script only asks for the page again when /live says so, and changes what differs.

    routes      the handlers, the static files, sparklines once a minute
    query       URLs and their parameters, both ways
    slo_list    the states that a query selects, sorted and cut into pages
    slo_facts   an SLO's queries, owner and links
    charts      timelines → SVG
    rendering   Jinja's environment, and what each template gets
    templates/  base, list, slo, missing, and macros
    static/     page.css, page.js, icon.svg
"""
