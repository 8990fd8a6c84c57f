# The static site: the guide, the architecture and the API reference. Built by scripts/build-docs.sh, from the top of docs/.
# Debian 12: python3-sphinx, furo, python3-myst-parser, python3-breathe, doxygen.
import os

project = "Curfew"
copyright = "the authors of Curfew"
extensions = ["myst_parser", "breathe"]
root_doc = "index"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Curfew"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["curfew.css"]
html_theme_options = {"sidebar_hide_name": False}
pygments_style = "default"
pygments_dark_style = "monokai"

myst_heading_anchors = 4
breathe_projects = {"curfew": os.environ.get("CURFEW_DOXYGEN_XML", "")}
breathe_default_project = "curfew"
breathe_default_members = ("members",)
breathe_show_include = True
primary_domain = "cpp"
highlight_language = "text"
