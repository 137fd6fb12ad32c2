"""The configuration of the documentation site."""

project = "tap-leads"
author = "The tap-leads contributors"
project_copyright = author
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_copy_source = False
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# The output of a run, dotenv files and logs have no language.
highlight_language = "text"
# `make linkcheck`, which needs a network: only CI runs it.
linkcheck_timeout = 30
linkcheck_retries = 2
linkcheck_ignore = [r"http://127\.0\.0\.1.*", r"https://example\.com.*", r"https://.*mycompany.*"]
