"""The text of a drafted recipe, with a place for each part that depends on the data and the models."""

RECIPE = """\
# A recipe of Stillhouse. Lines that say SET need your choice; all else runs as it is.
# All fields, bounds and defaults: stillhouse recipe schema
name: {name} # run folders go by it: a-z, 0-9 and dashes

skill: # what the student must learn: {about}
  kind: {kind} # or {other_kinds}
{labels}{fields}

data:
{sources}
  validation_fraction: 0.1 # share of train that choices are made on, mostly by the teacher's answers
  # validation: {{path: SET, columns: {{}}}} # labelled rows for choices, written like test, in place of the line above
  max_prompt_chars: 8000 # longer prompts are dropped and counted
  near_duplicate_similarity: 0.8 # from which a training row counts as nearly another; null = off
  personal_data: allow # or redact, or drop: e-mails, phones, cards, IBANs
  # languages: [en] # keep these only
  # balance: {{by: {balance}, method: cap, cap: 500}} # by: none, label, source, length, cluster

teachers:
  - model: {teacher_model}
{teacher_access}\
    # price: {{input_usd_per_mtok: 0.14, output_usd_per_mtok: 0.28}} # your contract; list prices of APIs are known
    licence: {teacher_licence}
    dtype: bfloat16 # or float16, float32, auto
    prompt:
      examples: {shown} # {shown_note}
      selection: {selection}
      layout: turns # or list; text suits small and base models best
{calibration}    sampling:
      max_tokens: {max_tokens} # room for {answer}
      temperature: 0.0 # several answers to vote on: temperature 0.7 and n 5

filters: # which answers the student trains on; the schema has all rules and their switches
  # {confidence}
  min_success_ratio: 0.5 # the run stops if fewer prompts keep an answer

student:
{student_terms}\
  model: {student_model}
  layers: 0 # keep so many evenly spaced layers; 0 keeps all
  chat_template: model # minimal: no default system prompt in every request
  licence: {student_licence}

training:
{training}\
  batch_size: {batch_size}

evaluation:
  max_tokens: {max_tokens}
  # metrics: [{metrics}] # the first is the one compared

gate: # rules over report.json a student must pass; on low ends of intervals, so that none passes by luck
  rules:
    - {{metric: comparison.quality_retained_low, op: ">=", bound: {quality}}}
    - {{metric: comparison.gain_over_baseline.low, op: ">", bound: 0.0}}
    # - not_worse_than: {{model: teacher, margin: 0.05}} # a paired test; `stillhouse plan` says how many rows it takes

# costs: {{training_usd_per_hour: 1.2, evaluation_usd_per_hour: 1.2, serving_usd_per_hour: 0.4}} # for the ledger
# budget: {{usd: 20}} # a run ends before its teacher costs more; `stillhouse plan` says what it will cost
"""
