"""A Terraform plan as a page that a reviewer can trust: `burst review`.

`reading` turns the JSON of `terraform show -json` into a `Plan` in which nothing sensitive is left;
`dangers`, `permissions`, `behaviour`, `drift` and `rest` find what a reviewer must know, as plain
data; `page` says it in words, once; `markdown` and `terminal` draw the page.
"""
