"use strict";
// Stands in for the script of this name that Amazon served: the elements of its web templates that ask something,
// made of a browser's own form fields. What is not here says so on the page. Answers are submitted as Amazon's were:
// one field `taskAnswers`, a JSON array of one object; with answer-format="flatten-objects" a field for each value.

(() => {
  const given = new URLSearchParams(location.search);
  const assignmentId = given.get("assignmentId") || "ASSIGNMENT_ID_NOT_AVAILABLE";
  const isPreview = assignmentId === "ASSIGNMENT_ID_NOT_AVAILABLE";
  const submitTo = (given.get("turkSubmitTo") || "").replace(/\/$/, "") + "/mturk/externalSubmit";
  let serial = 0;

  function make(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  // An element that is built once, out of its attributes and of what it holds.
  class CrowdElement extends HTMLElement {
    connectedCallback() {
      if (this.isBuilt) return;
      this.isBuilt = true;
      this.build();
    }

    copy(field, names) {
      for (const [from, to] of Object.entries(names)) {
        if (this.hasAttribute(from)) field.setAttribute(to, this.getAttribute(from));
      }
    }

    get value() { return this.field ? this.field.value : this.getAttribute("value"); }
    set value(text) { this.field ? (this.field.value = text) : this.setAttribute("value", text); }
    get checked() { return this.field ? this.field.checked : this.hasAttribute("checked"); }
    set checked(state) { this.field ? (this.field.checked = state) : this.toggleAttribute("checked", state); }
    get disabled() { return this.field ? this.field.disabled : this.hasAttribute("disabled"); }
    set disabled(state) { this.field ? (this.field.disabled = state) : this.toggleAttribute("disabled", state); }
    focus() { this.field?.focus(); }
  }

  class CrowdText extends CrowdElement {
    build() {
      this.field = make(this.tag);
      this.copy(this.field, {
        name: "name", type: "type", placeholder: "placeholder", required: "required", disabled: "disabled",
        "max-length": "maxlength", "min-length": "minlength", "auto-focus": "autofocus", rows: "rows",
        "error-message": "title", min: "min", max: "max", step: "step", "aria-label": "aria-label",
      });
      this.field.value = this.getAttribute("value") ?? this.textContent.trim();
      const label = this.getAttribute("label");
      if (!label && !this.hasAttribute("aria-label")) {
        this.field.setAttribute("aria-label", this.getAttribute("placeholder") || this.getAttribute("name") || "Your answer");
      }
      this.replaceChildren(label ? make("label", {}, make("span", { textContent: label }), this.field) : this.field);
    }
  }

  class CrowdInput extends CrowdText { tag = "input"; }
  class CrowdTextArea extends CrowdText { tag = "textarea"; }

  class CrowdBox extends CrowdElement {
    build() {
      this.field = make("input", { type: this.type, name: this.groupName() });
      this.copy(this.field, { required: "required", disabled: "disabled", checked: "checked" });
      this.field.value = this.getAttribute("value") ?? "on";
      this.field.dataset.crowdName = this.getAttribute("name") || "";
      this.append(make("label", { className: "crowd-choice" }, this.field, make("span", {}, ...this.childNodes)));
    }

    groupName() { return this.getAttribute("name") || ""; }
  }

  class CrowdCheckbox extends CrowdBox { type = "checkbox"; }

  // Of a group one can be chosen, whatever the buttons are called.
  class CrowdRadioButton extends CrowdBox {
    type = "radio";
    groupName() {
      const group = this.closest("crowd-radio-group");
      if (!group) return super.groupName();
      if (group.hasAttribute("required")) this.setAttribute("required", "");
      group.dataset.group ||= `crowd-group-${(serial += 1)}`;
      return group.dataset.group;
    }
  }

  class CrowdRadioGroup extends CrowdElement {
    build() {
      this.setAttribute("role", "radiogroup");
      if (this.hasAttribute("label")) this.setAttribute("aria-label", this.getAttribute("label"));
    }
  }

  class CrowdButton extends CrowdElement {
    build() {
      const action = this.getAttribute("form-action") || "button";
      const isLink = this.hasAttribute("href");
      this.field = make(isLink ? "a" : "button", { className: "crowd-button" }, ...this.childNodes);
      if (isLink) {
        Object.assign(this.field, { href: this.getAttribute("href"), target: "_blank", rel: "noopener" });
      } else {
        this.field.type = ["submit", "reset"].includes(action) ? action : "button";
      }
      this.copy(this.field, { disabled: "disabled", "aria-label": "aria-label" });
      this.append(this.field);
    }
  }

  // ['a', 'b'] is what templates hold, and it is no JSON.
  function categoriesOf(text) {
    try {
      return JSON.parse(text).map(String);
    } catch {
      return text.trim().replace(/^\[\s*['"]?|['"]?\s*,?\s*\]$/g, "").split(/['"]\s*,\s*['"]/);
    }
  }

  function instructions(element, title) {
    const heading = element.getAttribute("header") || title;
    return make("details", { className: "crowd-instructions" }, make("summary", { textContent: heading }), element);
  }

  class CrowdClassifier extends CrowdElement {
    build() {
      const part = (name) => [...this.children].find((child) => child.localName === name);
      const brief = part("short-instructions");
      const full = part("full-instructions");
      const target = part("classification-target");
      const group = `crowd-group-${(serial += 1)}`;
      const choices = categoriesOf(this.getAttribute("categories") || "[]").map((category) => {
        const field = make("input", { type: "radio", name: group, value: category, required: true });
        field.dataset.crowdName = this.getAttribute("name") || "";
        field.dataset.crowdLabel = "label";
        return make("label", { className: "crowd-choice" }, field, make("span", { textContent: category }));
      });
      const question = make("legend", { textContent: this.getAttribute("header") || "Choose one" });
      const shown = [target, brief].filter(Boolean);
      if (full) shown.push(instructions(full, "Full instructions"));
      this.replaceChildren(...shown, make("fieldset", {}, question, ...choices));
    }
  }

  class CrowdInstructions extends CrowdElement {
    build() {
      const held = make("div", {}, ...this.childNodes);
      const title = this.getAttribute("link-text") || "Instructions";
      this.append(instructions(held, title));
    }
  }

  // What a form's fields say: texts as texts, boxes and buttons by their values, true if chosen.
  function answersOf(form) {
    const answers = Object.create(null);
    for (const field of form.elements) {
      const name = field.dataset.crowdName ?? field.name;
      if (!name || field.disabled || ["submit", "button", "reset", "fieldset", "file"].includes(field.type)) continue;
      if (field.dataset.crowdLabel) {
        if (field.checked) answers[name] = { label: field.value };
      } else if (["checkbox", "radio"].includes(field.type)) {
        if (typeof answers[name] !== "object") answers[name] = Object.create(null);
        answers[name][field.value] = field.checked;
      } else if (field.type === "select-multiple") {
        answers[name] = [...field.selectedOptions].map((option) => option.value);
      } else {
        answers[name] = field.value;
      }
    }
    return answers;
  }

  function flatten(data, name, value) {
    if (value === null || typeof value !== "object") data.append(name, String(value));
    else for (const [key, inner] of Object.entries(value)) flatten(data, name ? `${name}.${key}` : key, inner);
  }

  class CrowdForm extends CrowdElement {
    build() {
      this.form = make("form", { method: "post", action: submitTo }, ...this.childNodes);
      this.append(this.form);
      const buttons = "button:not([type]), [type=submit], crowd-button[form-action=submit]";
      if (!this.form.querySelector(buttons)) {
        this.form.append(make("button", { className: "crowd-button", textContent: "Submit" }));
      }
      // After the page's own handlers of `submit`, and only if they let it go on.
      this.form.addEventListener("formdata", (event) => this.fill(event.formData));
      if (isPreview) this.form.addEventListener("submit", (event) => this.refuse(event));
    }

    fill(data) {
      const answers = answersOf(this.form);
      for (const name of new Set([...data.keys()])) data.delete(name);
      if (this.getAttribute("answer-format") === "flatten-objects" && Object.keys(answers).length > 0) {
        flatten(data, "", answers);
      } else {
        data.append("taskAnswers", JSON.stringify([answers]));
      }
      data.append("assignmentId", assignmentId);
    }

    refuse(event) {
      event.preventDefault();
      const words = "This is a preview, and nothing is sent. Accept the task first.";
      this.note ||= this.form.appendChild(make("p", { className: "crowd-note" }));
      this.note.setAttribute("role", "alert");
      this.note.textContent = words;
    }

    submit() { this.form.requestSubmit(); }
    reset() { this.form.reset(); }
  }

  const ELEMENTS = {
    "crowd-form": CrowdForm, "crowd-input": CrowdInput, "crowd-text-area": CrowdTextArea,
    "crowd-checkbox": CrowdCheckbox, "crowd-radio-group": CrowdRadioGroup, "crowd-radio-button": CrowdRadioButton,
    "crowd-button": CrowdButton, "crowd-classifier": CrowdClassifier, "crowd-instructions": CrowdInstructions,
  };

  const STYLE = `
    crowd-form, crowd-input, crowd-text-area, crowd-radio-group, crowd-classifier, crowd-instructions { display: block; }
    :where(crowd-form) { font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
    :where(crowd-input, crowd-text-area, crowd-classifier, crowd-instructions) { margin: 0.75rem 0; }
    :where(crowd-input label > span, crowd-text-area label > span) { display: block; }
    :where(crowd-input input, crowd-text-area textarea) {
      width: 100%; max-width: 40rem; min-height: 2.75rem; padding: 0.5rem 0.6rem; box-sizing: border-box;
      font: inherit; border: 1px solid #75818d; border-radius: 0.4rem;
    }
    :where(.crowd-choice) { display: flex; gap: 0.6rem; align-items: flex-start; padding: 0.5rem 0.25rem; cursor: pointer; }
    :where(.crowd-choice > input) { width: 1.25rem; height: 1.25rem; margin: 0.15rem 0 0; flex: none; }
    :where(.crowd-button) {
      display: inline-block; min-height: 2.75rem; padding: 0.55rem 1.1rem; margin: 0.75rem 0; cursor: pointer;
      font: inherit; font-weight: 600; text-decoration: none;
      color: #fff; background: #0b6b58; border: 1px solid #0b6b58; border-radius: 0.5rem;
    }
    :where(.crowd-button:disabled) { opacity: 0.6; cursor: default; }
    :where(crowd-form :focus-visible) { outline: 3px solid #f2a900; outline-offset: 2px; }
    :where(crowd-classifier fieldset) { border: 1px solid #c5ced6; border-radius: 0.5rem; margin: 0.75rem 0; min-width: 0; }
    :where(crowd-classifier legend) { font-weight: 600; padding: 0 0.3rem; }
    :where(short-instructions, full-instructions, classification-target) { display: block; margin: 0.75rem 0; overflow-wrap: anywhere; }
    :where(.crowd-instructions summary) { cursor: pointer; font-weight: 600; }
    .crowd-note { color: #8a3b00; background: #fff4e8; padding: 0.5rem 0.75rem; border-radius: 0.4rem; }
  `;

  function tellWhatIsNotHere() {
    for (const element of document.querySelectorAll("*")) {
      const name = element.localName;
      if (!name.startsWith("crowd-") || ELEMENTS[name]) continue;
      const words = `Here the page shows <${name}>, which this site does not have. If you cannot do the task without it, return it.`;
      element.prepend(make("p", { className: "crowd-note", textContent: words }));
      element.style.display ||= "block";
    }
  }

  // Not before the whole page is there: an element is built out of what it holds.
  function begin() {
    document.head.prepend(make("style", { textContent: STYLE }));
    tellWhatIsNotHere();
    for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
