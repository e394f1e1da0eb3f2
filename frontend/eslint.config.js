import js from "@eslint/js";
import tseslint from "typescript-eslint";

const MARKUP = "Text becomes markup here. Build DOM nodes or a lit-html template instead.";

/** Ways in which a string would be read as HTML. Leaflet's popups, tooltips and divIcons do so by design. */
const MARKUP_FROM_TEXT = [
  { selector: "AssignmentExpression[left.property.name=/^(innerHTML|outerHTML)$/]", message: MARKUP },
  { selector: "CallExpression[callee.property.name=/^(insertAdjacentHTML|write|writeln|createContextualFragment)$/]", message: MARKUP },
  { selector: "CallExpression[callee.property.name=/^(bindPopup|bindTooltip|setTooltipContent|setPopupContent|setContent)$/] > :matches(Literal, TemplateLiteral, BinaryExpression)", message: MARKUP },
  { selector: "Property[key.name='html'] > :matches(Literal, TemplateLiteral, BinaryExpression)", message: MARKUP },
];

const ATTRIBUTION = {
  selector: "Property[key.name='attribution']",
  message: "Leaflet reads attributions as HTML. Use the map's own credit line.",
};

/** Only the module that shows HTML which the server has sanitised may switch off escaping. */
const UNESCAPED = { name: "lit-html/directives/unsafe-html.js", message: "Only parts/sanitised.ts may show HTML as it is." };
const LEAFLET = { name: "leaflet", message: "Only src/map/ knows Leaflet." };

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } } },
    rules: {
      "no-restricted-syntax": ["error", ...MARKUP_FROM_TEXT],
      "no-restricted-imports": ["error", { paths: [UNESCAPED, LEAFLET] }],
      "no-restricted-globals": ["error", { name: "L", message: "Import what you need from leaflet, in src/map/." }],
      "no-eval": "error",
      "no-console": "error",
      eqeqeq: "error",
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 50],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  {
    files: ["src/map/**"],
    rules: {
      "no-restricted-imports": ["error", { paths: [UNESCAPED] }],
      "no-restricted-syntax": ["error", ...MARKUP_FROM_TEXT, ATTRIBUTION],
    },
  },
  { files: ["src/i18n/en.ts"], rules: { "max-lines": "off" } },
  { files: ["src/parts/sanitised.ts"], rules: { "no-restricted-imports": ["error", { paths: [LEAFLET] }] } },
  { files: ["tests/**"], rules: { "max-lines-per-function": "off", "@typescript-eslint/no-non-null-assertion": "off" } },
  { files: ["eslint.config.js"], extends: [tseslint.configs.disableTypeChecked] },
);
